import { Effect, Option, Schema } from "effect"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { knativeNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { type ApplyMode, installManager, type Step, unlessMissing } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"
import { type KnativeSetting, otherDomains } from "./knativeSettings.ts"

const ConfigMap = Schema.Struct({
  data: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) }),
  metadata: Schema.Struct({
    managedFields: Schema.optionalWith(
      Schema.Array(
        Schema.Struct({
          manager: Schema.optionalWith(Schema.String, { default: () => "" }),
          fieldsV1: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.Unknown }), {
            default: () => ({})
          })
        })
      ),
      { default: () => [] }
    )
  })
})
type ConfigMap = typeof ConfigMap.Type

const decode = Schema.decodeUnknownOption(ConfigMap)

/** A key's field manager according to `managedFields`. */
const managersOf = (map: ConfigMap, key: string): ReadonlyArray<string> =>
  map.metadata.managedFields
    .filter(({ fieldsV1 }) => {
      const data = fieldsV1["f:data"]
      return typeof data === "object" && data !== null && Object.hasOwn(data, `f:${key}`)
    })
    .map((managedField) => managedField.manager)

/** A setting in the cluster. */
export interface LiveSetting extends KnativeSetting {
  /** undefined: not set, so Knative uses its own default. */
  readonly before: string | undefined
  /** The other domains for all services in `config-domain`. With two, Knative picks either. */
  readonly others: ReadonlyArray<string>
  /** The field manager of the present value; empty if nobody set it, or an installation did. */
  readonly heldBy: ReadonlyArray<string>
}

const pathOfMap = (name: string) => pathOf(kinds.configMap, knativeNamespace, name)

const readMap = (name: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* unlessMissing(api.request({ method: "GET", path: pathOfMap(name) }))
    const map = Option.flatMap(answer, decode)
    if (Option.isNone(map)) {
      return yield* new ClusterProblem({
        message: `there's no ConfigMap ${name} in namespace ${knativeNamespace}`,
        fix:
          name === "config-kourier"
            ? "install Kourier (net-kourier) for Knative Serving; see docs/kubernetes.md"
            : "install Knative Serving; see docs/kubernetes.md"
      })
    }
    return map.value
  })

export const readSettings = (settings: ReadonlyArray<KnativeSetting>) =>
  Effect.gen(function* () {
    const names = [...new Set(settings.map((setting) => setting.configMap))]
    const maps = new Map(
      yield* Effect.forEach(names, (name) => Effect.map(readMap(name), (map) => [name, map] as const))
    )
    return settings.flatMap((setting): ReadonlyArray<LiveSetting> => {
      const map = maps.get(setting.configMap)
      if (map === undefined) return []
      const others = setting.configMap === "config-domain" ? otherDomains(map.data, setting.key) : []
      const held = [setting.key, ...others]
        .filter((value) => map.data[value] !== undefined)
        .flatMap((value) => managersOf(map, value))
      return [
        {
          ...setting,
          before: map.data[setting.key],
          others,
          heldBy: [...new Set(held.filter((value) => value !== installManager))]
        }
      ]
    })
  })

export const isSet = ({ before, others, value }: LiveSetting): boolean => before === value && others.length === 0

/** Would setting it overwrite somebody else's value? */
const isForeign = (live: LiveSetting): boolean => {
  const { before, heldBy, others, value } = live
  return heldBy.length > 0 && (others.length > 0 || (before !== undefined && before !== value))
}

const quoted = (value: string | undefined) => (value === undefined ? "not set" : `"${value}"`)

/** The present value, in an operator's words. */
export const valueText = ({ before, configMap, others }: LiveSetting): string =>
  configMap === "config-domain"
    ? [...others, ...(before === undefined ? [] : ["itself"])].join(", ") || "not set"
    : quoted(before)

/** Sets one value. Refuses without `force` if somebody else has set another value. */
export const applySetting = (live: LiveSetting, { dryRun, force }: ApplyMode) =>
  Effect.gen(function* () {
    const { configMap, heldBy, key, others, value, why } = live
    if (isSet(live)) return "unchanged" satisfies Step
    if (isForeign(live) && !force) {
      return yield* new ClusterProblem({
        message:
          configMap === "config-domain"
            ? `ConfigMap ${knativeNamespace}/${configMap} has the domain ${others.join(", ")} for all services, set by ${heldBy.join(", ")}; with ${key} beside it Knative would pick either`
            : `${key} in ConfigMap ${knativeNamespace}/${configMap} is ${valueText(live)}, set by ${heldBy.join(", ")}; max-cloud needs ${quoted(value)} (${why})`,
        fix: "change the value yourself, or use --force if nothing else on this cluster needs the present one"
      })
    }
    if (dryRun) return "changed" satisfies Step
    const api = yield* KubeApi
    yield* api.request({
      method: "PATCH",
      path: pathOfMap(configMap),
      query: { fieldManager: installManager },
      body: { data: { ...Object.fromEntries(others.map((other) => [other, null])), [key]: value } },
      contentType: "application/merge-patch+json"
    })
    return "changed" satisfies Step
  })
