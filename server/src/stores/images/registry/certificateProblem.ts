import { certificateFault } from "@maxcloud/oci"
import { type ImageProblem, imageProblem } from "../ImageProblem.ts"

/** The file for an authority's certificate. */
export const authorityFile = (host: string) => `/etc/containers/certs.d/${host}/ca.crt`

/** Why a registry's certificate isn't trusted, by the code of Node's TLS; undefined if it's about something else. */
export const certificateProblem = (code: string, host: string): ImageProblem | undefined => {
  const problem = (message: string) => imageProblem("RegistryUntrusted", `the registry ${host} ${message} (${code})`)
  switch (certificateFault(code)) {
    case "authority":
      return problem(
        `has a certificate of an unknown authority. Put the authority's certificate (PEM) into ${authorityFile(host)} on the server's machine (with docker /etc/docker/certs.d/${host}/ca.crt), or set NODE_EXTRA_CA_CERTS to its file when you start the server`
      )
    case "expired":
      return problem("has a certificate that has expired. Renew it at the registry, or correct this machine's clock")
    case "early":
      return problem(
        "has a certificate that is not valid yet. Renew it at the registry, or correct this machine's clock"
      )
    case "name":
      return problem(
        "has a certificate for another name. Write the image with a name in the certificate, or give the registry one for this name"
      )
    case "other":
      return problem("has an untrusted certificate. Give it a valid one")
    case undefined:
      return undefined
  }
}
