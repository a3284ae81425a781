import { Effect, Option } from "effect"
import { ownRuntime } from "../../base/settings/runtimeClasses.ts"
import { ClusterConfigError } from "../kubeApi/ClusterConfigError.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { dataOf } from "./knativeData.ts"

/** The class that the server uses by itself. */
export const sandbox = "gvisor"
/** Knative's feature gate for `runtimeClassName`. `cluster install` sets it. */
const feature = "kubernetes.podspec-runtimeclassname"

export const runtimeClassPath = (name: string) => `/apis/node.k8s.io/v1/runtimeclasses/${name}`

const install = "`maxcloud cluster install`"

/** Why pods with this class don't start, or nobody knows whether they do; undefined: they do. */
const whyMissing = (name: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const why = yield* api.request({ method: "GET", path: runtimeClassPath(name) }).pipe(
      Effect.as(undefined),
      Effect.catchAll((error) =>
        error.reason === "notFound"
          ? Effect.succeed(`the cluster has no RuntimeClass ${name}`)
          : error.reason === "forbidden"
            ? // The server has no right to look for other classes.
              Effect.succeed(
                name !== sandbox ? undefined : `the server may not read RuntimeClasses (run ${install} again)`
              )
            : new ClusterConfigError({ reason: "unreachable", message: error.message })
      )
    )
    if (why !== undefined) return why
    const features = Option.getOrElse(yield* dataOf("config-features"), (): Readonly<Record<string, string>> => ({}))
    return features[feature] === "enabled"
      ? undefined
      : `Knative's feature ${feature} isn't enabled (${install} enables it)`
  })

/** The default class of organizations' programs. */
export interface ChosenClass {
  /** undefined: the cluster's own runtime. */
  readonly name: string | undefined
  /** Why programs can't start in it, or may not; undefined: they can, as far as known. */
  readonly missing?: string
}

/** Why programs can't start in the class now, or may not; undefined: they can, as far as known. */
export const stillMissing = (name: string): ReturnType<typeof whyMissing> => whyMissing(name)

/**
 * The runtime class of organizations without one of their own: as written, or else gVisor if the cluster has it. `former`: that of
 * the last start. Programs that were isolated never lose that by themselves: without the class, they don't start.
 */
export const defaultRuntimeClass = (written: string | undefined, former: string | undefined) =>
  Effect.gen(function* () {
    if (written !== undefined) return { name: written === ownRuntime ? undefined : written } satisfies ChosenClass
    const missing = yield* whyMissing(sandbox)
    if (missing === undefined) return { name: sandbox } satisfies ChosenClass
    if (former === undefined) {
      yield* Effect.logWarning(
        `Programs of organizations run without ${sandbox}: ${missing}. Set MAXCLOUD_RUNTIME_CLASS to ${sandbox}, or to none if that's intended`
      )
      return { name: undefined } satisfies ChosenClass
    }
    const formerMissing = former === sandbox ? missing : yield* whyMissing(former)
    if (formerMissing === undefined) {
      yield* Effect.logWarning(
        `Programs of organizations stay in ${former}, which MAXCLOUD_RUNTIME_CLASS named before, because ${missing}. Set it again`
      )
      return { name: former } satisfies ChosenClass
    }
    yield* Effect.logError(
      `Programs of organizations may not start: ${formerMissing}. They have run in ${former}, so the server doesn't start them without it. Restore it, or set MAXCLOUD_RUNTIME_CLASS=none to run them in the cluster's own runtime`
    )
    return { name: former, missing: formerMissing } satisfies ChosenClass
  })
