import { type ImageProblem, imageProblem } from "../ImageProblem.ts"

const unknownAuthority = new Set([
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
  "INVALID_CA"
])

/** The file for an authority's certificate. */
export const authorityFile = (host: string) => `/etc/containers/certs.d/${host}/ca.crt`

/** Why a registry's certificate isn't trusted, by the code of Node's TLS; undefined if it's about something else. */
export const certificateProblem = (code: string, host: string): ImageProblem | undefined => {
  const problem = (message: string) => imageProblem("RegistryUntrusted", `the registry ${host} ${message} (${code})`)
  if (unknownAuthority.has(code))
    return problem(
      `has a certificate of an unknown authority. Put the authority's certificate (PEM) into ${authorityFile(host)} on the server's machine (with docker /etc/docker/certs.d/${host}/ca.crt), or set NODE_EXTRA_CA_CERTS to its file when you start the server`
    )
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return problem(
      `has a certificate that ${code === "CERT_HAS_EXPIRED" ? "has expired" : "is not valid yet"}. Renew it at the registry, or correct this machine's clock`
    )
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return problem(
      "has a certificate for another name. Write the image with a name in the certificate, or give the registry one for this name"
    )
  return /CERT|SIGNATURE|HOSTNAME_MISMATCH/.test(code)
    ? problem("has an untrusted certificate. Give it a valid one")
    : undefined
}
