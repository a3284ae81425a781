import { Effect, Option } from "effect"
import { ClusterConfigError } from "../kubeApi/ClusterConfigError.ts"
import { configMapData } from "../kubeApi/configMapData.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"

/** The data of one of Knative's ConfigMaps; none if it's missing, or if the server may not read it. */
export const dataOf = (name: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api
      .request({ method: "GET", path: `/api/v1/namespaces/knative-serving/configmaps/${name}` })
      .pipe(
        Effect.asSome,
        Effect.catchAll((error) =>
          error.reason === "forbidden" || error.reason === "notFound"
            ? Effect.succeedNone
            : new ClusterConfigError({ reason: "unreachable", message: error.message })
        )
      )
    return Option.flatMap(answer, configMapData)
  })
