import { Effect, Layer } from "effect"
import type { ServerSettings } from "../../base/settings/ServerConfig.ts"
import { ClusterConfigError } from "../kubeApi/ClusterConfigError.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"

/** Refuses to start if secrets should come from a store but the cluster has no ExternalSecrets. */
export const externalSecretsKind = ({ externalSecretStore }: Pick<ServerSettings, "externalSecretStore">) =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      if (externalSecretStore === undefined) return
      const api = yield* KubeApi
      yield* api.request({ method: "GET", path: pathOf(kinds.externalSecret), query: { limit: "1" } }).pipe(
        Effect.catchIf(
          (error) => error.reason === "notFound",
          () =>
            new ClusterConfigError({
              reason: "invalid",
              message: `MAXCLOUD_EXTERNAL_SECRET_STORE is "${externalSecretStore}", but the cluster has no ${kinds.externalSecret.apiVersion} ExternalSecret. Install the External Secrets Operator 0.16 or later, or remove the setting`
            })
        ),
        // Other errors concern every kind, and each kind reports them itself.
        Effect.catchTag("KubeError", (error) => Effect.logWarning("Couldn't list ExternalSecrets", error.message))
      )
    })
  )
