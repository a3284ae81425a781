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

/** Codes for no connection, or a broken one, as during a restart of the API server. An unknown name isn't among them. */
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

/** Is this an API server that will come back, and not a configuration that is wrong? */
export const isAway = (first: Either.Either<Answer, NoAnswer>): boolean =>
  first._tag === "Left"
    ? awayCodes.has(first.left.code)
    : first.right.status === 429 || (first.right.status >= 500 && first.right.status <= 504)

/** The error in the configuration that the first answer shows; undefined if all is well. */
export const startError = (
  { origin, server }: ClusterCredentials,
  first: Either.Either<Answer, NoAnswer>
): ClusterConfigError | undefined => {
  if (first._tag === "Left") {
    const { code, message } = first.left
    if (unknownAuthority.has(code)) {
      return new ClusterConfigError({
        reason: "certificate",
        message: `the certificate of ${server} is not signed by the authority that ${origin} names (${code}): get the kubeconfig of this cluster, or correct certificate-authority`
      })
    }
    if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
      return new ClusterConfigError({
        reason: "certificate",
        message: `the certificate of ${server} is for another name: ${message}. Set tls-server-name in ${origin}, or an address that the certificate has`
      })
    }
    if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID") {
      return new ClusterConfigError({
        reason: "certificate",
        message: `the certificate of ${server} is not valid now (${code}): renew it on the cluster, or correct this machine's clock`
      })
    }
    if (code.startsWith("ERR_OSSL") || message.includes("PEM")) {
      return new ClusterConfigError({
        reason: "credentials",
        message: `the certificates or the key in ${origin} cannot be read (${message}): write it anew`
      })
    }
    return new ClusterConfigError({
      reason: "unreachable",
      message: `the API server ${server} does not answer (${message}): start the cluster, or correct the address in ${origin}`
    })
  }
  const { status } = first.right
  if (status < 300) return undefined
  if (status === 401) {
    return new ClusterConfigError({
      reason: "credentials",
      message: `the API server ${server} refuses the credentials of ${origin} (401): they have expired, or belong to another cluster. Get a new kubeconfig`
    })
  }
  if (status === 403) {
    return new ClusterConfigError({
      reason: "credentials",
      message: `the API server ${server} lets the user of ${origin} see nothing (403): it has no credentials, or not the role that the server needs`
    })
  }
  if (status === 404) {
    return new ClusterConfigError({
      reason: "unsupported",
      message: `the cluster at ${server} has no Knative Serving (serving.knative.dev/v1): install it first`
    })
  }
  return new ClusterConfigError({
    reason: "unreachable",
    message: `${server} answers ${status}, so it isn't ready, or isn't an API server: wait for the cluster, or correct the address in ${origin}`
  })
}
