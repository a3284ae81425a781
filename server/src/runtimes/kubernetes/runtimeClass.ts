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

/** Does the cluster have gVisor? `unknown`: the server may not look, because its rights are of an earlier version. */
const hasSandbox = Effect.gen(function* () {
  const api = yield* KubeApi
  return yield* api.request({ method: "GET", path: runtimeClassPath(sandbox) }).pipe(
    Effect.as("yes" as const),
    Effect.catchAll((error) =>
      error.reason === "notFound"
        ? Effect.succeed("no" as const)
        : error.reason === "forbidden"
          ? Effect.succeed("unknown" as const)
          : new ClusterConfigError({ reason: "unreachable", message: error.message })
    )
  )
})

const without = (why: string) =>
  Effect.as(
    Effect.logWarning(
      `Programs of organizations run without gVisor: ${why}. Set MAXCLOUD_RUNTIME_CLASS to gvisor, or to none if that's intended`
    ),
    undefined
  )

/** The runtime class of organizations without one of their own: as written, or else gVisor if the cluster has it. */
export const defaultRuntimeClass = (written: string | undefined) =>
  Effect.gen(function* () {
    if (written !== undefined) return written === ownRuntime ? undefined : written
    const found = yield* hasSandbox
    if (found === "no") return yield* without(`the cluster has no RuntimeClass ${sandbox}`)
    if (found === "unknown") {
      return yield* without("the server may not read RuntimeClasses, so run `maxcloud cluster install` again")
    }
    const features = Option.getOrElse(yield* dataOf("config-features"), (): Readonly<Record<string, string>> => ({}))
    return features[feature] === "enabled"
      ? sandbox
      : yield* without(`Knative's feature ${feature} isn't enabled (\`maxcloud cluster install\` enables it)`)
  })
