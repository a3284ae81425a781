import type { Either } from "effect"
import { ClusterConfigError } from "./ClusterConfigError.ts"
import type { ClusterCredentials } from "./connect.ts"
import type { Answer, NoAnswer } from "./roundTrip.ts"

const unknownAuthority = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_SIGNATURE_FAILURE",
  "ERR_SSL_CERTIFICATE_VERIFY_FAILED"
])

/** Error codes of a missing or broken connection, as during a restart of the API server. An unknown name isn't among them. */
const awayCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_SOCKET"
])

/** Is this an API server that will come back, rather than a wrong configuration? */
export const isAway = (first: Either.Either<Answer, NoAnswer>): boolean =>
  first._tag === "Left"
    ? awayCodes.has(first.left.code)
    : first.right.status === 429 || (first.right.status >= 500 && first.right.status <= 504)

/** The configuration error shown by the first answer; undefined if all is well. */
export const startError = (
  { origin, server }: ClusterCredentials,
  first: Either.Either<Answer, NoAnswer>
): ClusterConfigError | undefined => {
  if (first._tag === "Left") {
    const { code, message } = first.left
    if (unknownAuthority.has(code)) {
      return new ClusterConfigError({
        reason: "certificate",
        message: `The certificate of ${server} isn't signed by the authority in ${origin} (${code}). Get the kubeconfig of this cluster, or correct certificate-authority`
      })
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return new ClusterConfigError({
        reason: "certificate",
        message: `The certificate of ${server} is for another name: ${message}. Set tls-server-name in ${origin}, or use an address in the certificate`
      })
    }
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
      return new ClusterConfigError({
        reason: "certificate",
        message: `The certificate of ${server} isn't valid now (${code}). Renew it on the cluster, or correct this machine's clock`
      })
    }
    if (code.startsWith("ERR_OSSL") || message.includes("PEM")) {
      return new ClusterConfigError({
        reason: "credentials",
        message: `Couldn't read the certificates or the key in ${origin} (${message}). Create the file again`
      })
    }
    return new ClusterConfigError({
      reason: "unreachable",
      message: `The API server ${server} is unreachable (${message}). Start the cluster, or correct the address in ${origin}`
    })
  }
  const { status } = first.right
  if (status < 300) return undefined
  if (status === 401) {
    return new ClusterConfigError({
      reason: "credentials",
      message: `The API server ${server} refuses the credentials of ${origin} (401). They have expired, or belong to another cluster. Get a new kubeconfig`
    })
  }
  if (status === 403) {
    return new ClusterConfigError({
      reason: "credentials",
      message: `The API server ${server} denies the user of ${origin} all access (403). The user needs credentials with the server's role. Run \`maxcloud cluster install\`, or get another kubeconfig`
    })
  }
  if (status === 404) {
    return new ClusterConfigError({
      reason: "unsupported",
      message: `The cluster at ${server} has no Knative Serving (serving.knative.dev/v1). Install it first`
    })
  }
  return new ClusterConfigError({
    reason: "unreachable",
    message: `${server} answered ${status}. It isn't ready, or isn't an API server. Wait for the cluster, or correct the address in ${origin}`
  })
}
