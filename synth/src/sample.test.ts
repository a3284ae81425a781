import { describe, expect, it } from "@effect/vitest"
import { encodeAppSpec, parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { sampleApp, sampleManifests } from "./sample.ts"

const encoded = (input: unknown) => encodeAppSpec(Either.getOrThrow(parseAppSpec(input))).services[0]

describe("the sample that identifies a version of synth", () => {
  it("sets every field of a service to something other than its default", () => {
    const defaults: Readonly<Record<string, unknown>> = {
      ...encoded({ app: "a", services: [{ name: "a", image: "a" }] })
    }
    const used: Readonly<Record<string, unknown>> = { ...encoded(sampleApp) }
    const fields = [...new Set([...Object.keys(defaults), "command", "args"])]
    expect(fields.filter((field) => JSON.stringify(used[field]) === JSON.stringify(defaults[field]))).toEqual([])
    expect(fields.length).toBeGreaterThan(15)
  })

  it("contains every kind of object, and is the same each time", () => {
    const manifests = sampleManifests()
    expect(JSON.stringify(sampleManifests())).toBe(JSON.stringify(manifests))
    expect([...new Set(manifests.map((manifest) => manifest.kind))].sort()).toEqual([
      "ConfigMap",
      "ExternalSecret",
      "LimitRange",
      "Namespace",
      "NetworkPolicy",
      "PodDisruptionBudget",
      "ResourceQuota",
      "Secret",
      "Service",
      "ServiceAccount"
    ])
  })
})
