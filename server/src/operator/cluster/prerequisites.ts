import { Effect, Option, Schema } from "effect"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { unlessMissing } from "./applyObjects.ts"
import { ClusterProblem } from "./ClusterProblem.ts"

/** The first version with `ValidatingAdmissionPolicy` in v1. */
export const oldestMinor = 30

const Version = Schema.Struct({ major: Schema.String, minor: Schema.String, gitVersion: Schema.String })
export const versionOf = Schema.decodeUnknownOption(Version)

export const tooOld = (version: typeof Version.Type) =>
  Number(version.major) === 1 && Number.parseInt(version.minor, 10) < oldestMinor

/** A cluster's requirements for max-cloud: a recent version of Kubernetes, and Knative Serving. */
export const prerequisites = Effect.gen(function* () {
  const api = yield* KubeApi
  const version = versionOf(yield* api.request({ method: "GET", path: "/version" }))
  if (Option.exists(version, tooOld)) {
    return yield* new ClusterProblem({
      message: `the cluster runs Kubernetes ${Option.getOrThrow(version).gitVersion}`,
      fix: `upgrade it to 1.${oldestMinor} or newer`
    })
  }
  const knative = yield* unlessMissing(api.request({ method: "GET", path: "/apis/serving.knative.dev/v1" }))
  if (Option.isNone(knative)) {
    return yield* new ClusterProblem({
      message: "Knative Serving isn't installed on this cluster",
      fix: "install Knative Serving and Kourier; see docs/kubernetes.md"
    })
  }
}).pipe(
  Effect.catchTag("KubeError", (error) =>
    Effect.fail(
      new ClusterProblem({
        message: error.message,
        fix:
          error.reason === "unauthorized"
            ? "get a kubeconfig whose credentials are valid"
            : "check that the API server is up and reachable from here"
      })
    )
  )
)
