import { Effect, Schema } from "effect"
import type { ClusterCredentials } from "../../runtimes/kubeApi/connect.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { serverAccount, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"

/** The answer to a TokenRequest (authentication.k8s.io/v1). The API server may grant a shorter time than requested. */
const TokenRequest = Schema.Struct({
  status: Schema.Struct({ token: Schema.String, expirationTimestamp: Schema.String })
})

/** A token of the server's ServiceAccount, for a server outside of the cluster. */
export const serverToken = (seconds: number) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({
      method: "POST",
      path: `/api/v1/namespaces/${systemNamespace}/serviceaccounts/${serverAccount}/token`,
      body: {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: { expirationSeconds: seconds }
      }
    })
    const { status } = yield* Effect.orDie(Schema.decodeUnknown(TokenRequest)(answer))
    return { token: status.token, expiresAt: new Date(status.expirationTimestamp) }
  })

/**
 * A kubeconfig with a token for the cluster that these credentials reach. It's JSON, which is YAML and needs no quoting
 * by hand.
 */
export const kubeconfigOf = ({ server, tls, proxy }: ClusterCredentials, token: string): string =>
  `${JSON.stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      "current-context": serverAccount,
      clusters: [
        {
          name: serverAccount,
          cluster: {
            server,
            ...(tls.ca === undefined ? {} : { "certificate-authority-data": Buffer.from(tls.ca).toString("base64") }),
            ...(tls.servername === undefined ? {} : { "tls-server-name": tls.servername }),
            ...(tls.rejectUnauthorized === false ? { "insecure-skip-tls-verify": true } : {}),
            ...(proxy === undefined ? {} : { "proxy-url": proxy })
          }
        }
      ],
      users: [{ name: serverAccount, user: { token } }],
      contexts: [{ name: serverAccount, context: { cluster: serverAccount, user: serverAccount } }]
    },
    null,
    2
  )}\n`
