import { describe, expect, it } from "@effect/vitest"
import { type AppSpec, encodeAppSpec, linksOf, type ServiceSpec } from "@maxcloud/config-schema"
import { Schema } from "effect"
import * as fc from "fast-check"
import { parseAllDocuments } from "yaml"
import { annotation, label } from "../src/annotations.ts"
import { literal } from "../src/literal.ts"
import type { Manifest } from "../src/manifest.ts"
import { hostProblems } from "../src/problems.ts"
import { synth } from "../src/synth.ts"
import { synthNamespace } from "../src/synthNamespace.ts"
import { toYaml } from "../src/toYaml.ts"
import { arbitraryExample } from "./arbitrarySpec.ts"
import { type Example, specOf } from "./examples.ts"

const anyExample = arbitraryExample({ maxTimeoutSeconds: 3600 })
const all = ({ spec, tenant }: Example) => [...synthNamespace(tenant), ...synth(spec, tenant)]
const bytes = (manifests: ReadonlyArray<Manifest>) => JSON.stringify(manifests)
const ofService = (manifests: ReadonlyArray<Manifest>, service: string) =>
  bytes(manifests.filter((manifest) => manifest.metadata.labels?.[label.service] === service))

/** The same JSON with the keys of every object in the opposite order. */
const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversed(inner)])
  )
}

describe("synth, of any app", () => {
  it("produces equal bytes for equal input, in any order of keys and services", () => {
    fc.assert(
      fc.property(anyExample, ({ spec, tenant }) => {
        const encoded = encodeAppSpec(spec)
        const again = specOf(reversed({ ...encoded, services: encoded.services.toReversed() }))
        expect(bytes(all({ spec: again, tenant }))).toBe(bytes(all({ spec, tenant })))
      })
    )
  })

  it("gives objects unique DNS labels as names, in one namespace", () => {
    fc.assert(
      fc.property(anyExample, (example) => {
        const manifests = all(example)
        for (const { metadata } of manifests) {
          expect(metadata.name).toMatch(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
          expect(metadata.namespace ?? manifests[0]?.metadata.name).toBe(manifests[0]?.metadata.name)
          for (const value of Object.values(metadata.labels ?? {})) {
            expect(value).toMatch(/^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/)
          }
        }
        expect(
          new Set(manifests.map((manifest) => `${manifest.apiVersion} ${manifest.kind} ${manifest.metadata.name}`)).size
        ).toBe(manifests.length)
        expect(hostProblems(example.spec, example.tenant).filter((hostProblem) => hostProblem.path.length > 0)).toEqual(
          []
        )
      })
    )
  })

  it("changes only the linking services' objects when a service is renamed", () => {
    fc.assert(
      fc.property(anyExample, ({ spec, tenant }) => {
        const [old] = spec.services
        if (old === undefined || spec.services.some((service) => service.name === "nn")) return
        const after = synth(renamed(spec, old.name, "nn"), tenant)
        const before = synth(spec, tenant)
        expect(ofService(after, old.name)).toBe("[]")
        expect(ofService(after, "nn")).not.toBe("[]")
        for (const other of spec.services) {
          if (other === old || namesService(other, old.name)) continue
          expect(ofService(after, other.name)).toBe(ofService(before, other.name))
        }
      })
    )
  })

  it("changes no other objects when a service's env, files and links change", () => {
    fc.assert(
      fc.property(anyExample, ({ spec, tenant }) => {
        const [changed, ...others] = spec.services
        if (changed === undefined) return
        const links = others.map((other) => other.name)
        const services = [{ ...changed, env: { ...changed.env, NEW: "1" }, files: {}, links }, ...others]
        const before = synth(spec, tenant)
        const after = synth({ ...spec, services }, tenant)
        expect(ofService(after, changed.name)).not.toBe(ofService(before, changed.name))
        for (const { name } of others) expect(ofService(after, name)).toBe(ofService(before, name))
      })
    )
  })

  it("contains no values of secrets, and every reference to a Secret finds its key", () => {
    fc.assert(
      fc.property(anyExample, (example) => {
        const manifests = synth(example.spec, example.tenant)
        const keys = new Map<string, ReadonlyArray<string>>()
        for (const manifest of manifests.filter((manifest) => manifest.kind === "Secret")) {
          expect(Object.keys(manifest).sort()).toEqual(["apiVersion", "kind", "metadata", "type"])
          const parts: Record<string, unknown> = JSON.parse(
            manifest.metadata.annotations?.[annotation.secretParts] ?? ""
          )
          keys.set(manifest.metadata.name, Object.keys(parts))
          for (const key of Object.keys(parts)) expect(key).toMatch(/^[-._a-zA-Z0-9]{1,253}$/)
        }
        for (const { key, name } of references(manifests)) expect(keys.get(name)).toContain(key)
        expect(new Set(references(manifests).map((reference) => reference.name))).toEqual(new Set(keys.keys()))
      })
    )
  })

  it("writes YAML that parses to the same objects in YAML 1.2 and 1.1", () => {
    fc.assert(
      fc.property(anyExample, (example) => {
        const manifests = all(example)
        for (const version of ["1.2", "1.1"] as const) {
          const documents = parseAllDocuments(toYaml(manifests), { version })
          expect(Array.from(documents, (each) => each.toJS())).toEqual(manifests)
        }
      }),
      { numRuns: 40 }
    )
  })
})

describe("a version of a secret", () => {
  const spec = specOf({ app: "a", services: [{ name: "web", image: "nginx", env: { DB: { secret: "DB" } } }] })
  const at = (version: number) =>
    fc.sample(anyExample, { numRuns: 1, seed: 7 }).map(({ tenant }) =>
      bytes(
        synth(spec, {
          ...tenant,
          secretVersions: new Map(spec.services.flatMap(() => [[secretName(spec), version]]))
        })
      )
    )[0]

  it("creates a new revision if it is new, and none if it is the same", () => {
    expect(at(1)).toBe(at(1))
    expect(at(1)).not.toBe(at(2))
  })

  it("throws if it is missing", () => {
    const [example] = fc.sample(anyExample, { numRuns: 1, seed: 7 })
    if (example === undefined) throw new Error("no sample")
    expect(() => synth(spec, { ...example.tenant, secretVersions: new Map() })).toThrow(/"DB" has no version/)
  })
})

describe("a literal text", () => {
  it("survives Kubernetes' expansion unchanged", () => {
    fc.assert(
      fc.property(fc.stringOf(fc.constantFrom("$", "(", ")", "A", " ")), (text) => {
        expect(expanded(literal(text))).toBe(text)
      })
    )
  })
})

/** Kubernetes' expansion (third_party/forked/golang/expansion) with a variable `A`. */
const expanded = (text: string) =>
  text.replace(/\$(\$|\([^)]*\)|)/g, (whole, what: string) => {
    if (what === "$") return "$"
    return what === "(A)" ? "expanded" : whole
  })

const secretName = (spec: AppSpec) => {
  const value = spec.services[0]?.env["DB"]
  if (typeof value !== "object" || !("secret" in value)) throw new Error("no secret")
  return value.secret
}

const namesService = (service: ServiceSpec, name: string) =>
  linksOf(service).some((value) => value === name) || JSON.stringify(service.env).includes(`"service":"${name}"`)

const renamed = (spec: AppSpec, from: string, to: string): AppSpec => {
  const encoded = encodeAppSpec(spec)
  return specOf({
    ...encoded,
    services: encoded.services.map((service) => ({
      ...service,
      name: service.name === from ? to : service.name,
      links: service.links?.map((link) => (link === from ? to : link)) ?? [],
      env: JSON.parse(JSON.stringify(service.env ?? {}).replaceAll(`"service":"${from}"`, `"service":"${to}"`))
    }))
  })
}

const KeyReference = Schema.Struct({ secretKeyRef: Schema.Struct({ name: Schema.String, key: Schema.String }) })
const FileReferences = Schema.Struct({
  secretName: Schema.String,
  items: Schema.Array(Schema.Struct({ key: Schema.String }))
})

/** All references to keys of a Secret. */
const references = (value: unknown): ReadonlyArray<{ readonly name: string; readonly key: string }> => {
  if (typeof value !== "object" || value === null) return []
  const own = Schema.is(KeyReference)(value)
    ? [value.secretKeyRef]
    : Schema.is(FileReferences)(value)
      ? value.items.map(({ key }) => ({ name: value.secretName, key }))
      : []
  return [...own, ...Object.values(value).flatMap(references)]
}
