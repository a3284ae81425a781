import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Either, Option } from "effect"
import { kubernetesSettings } from "./kubernetesSettings.ts"
import { manifestRules } from "./manifestRules.ts"
import { configOf } from "./setting.ts"

const { manifestRules: setting } = kubernetesSettings
const read = (written?: string) =>
  Effect.runSync(
    Effect.either(
      Effect.withConfigProvider(
        configOf({ setting }),
        ConfigProvider.fromMap(new Map(written === undefined ? [] : [["MAXCLOUD_MANIFESTS", written]]))
      )
    )
  )

describe("MAXCLOUD_MANIFESTS", () => {
  it("allows nothing unless it's set", () => {
    expect(read()).toEqual(Either.right({ setting: [] }))
    expect(read("")).toEqual(Either.right({ setting: [] }))
  })

  it("lists kinds and fields", () => {
    expect(read(" ConfigMap , Service:spec.template.metadata.annotations[autoscaling.knative.dev/window]")).toEqual(
      Either.right({
        setting: [
          { kind: "ConfigMap", steps: [] },
          { kind: "Service", steps: ["spec", "template", "metadata", "annotations", "autoscaling.knative.dev/window"] }
        ]
      })
    )
  })

  it.each([
    "Secret",
    "ConfigMap,Service:spec.template.spec.hostNetwork",
    "Service:spec.template.metadata.annotations",
    "*"
  ])("is refused if it names something that nobody may allow: %s", (written) => {
    expect(Option.isNone(manifestRules.read(written))).toBe(true)
    const refused = read(written)
    expect(String(Either.isLeft(refused) ? refused.left : "")).toContain(`"${written}" isn't valid: kinds and fields`)
  })
})
