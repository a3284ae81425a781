import { ProxyFailed } from "@maxcloud/sdk/proxy"
import { errorCode } from "../../../base/node/errorCode.ts"
import { Unchecked } from "../../../base/outbound/proxiedConnections.ts"
import { ImageProblem, imageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { certificateProblem } from "./certificateProblem.ts"

export const noName = () => new Error("the name has no address")

export const refusedAddress = (hostname: string, url: URL) => {
  // The looked-up name may be a proxy's. Settings list a registry by host and port.
  const listed = hostname === url.hostname ? url.host : hostname
  return imageProblem(
    "RegistryUnreachable",
    `${hostname} is at an address that the server doesn't call for tenants (of a private network, this machine or a metadata service). If the operator trusts it: MAXCLOUD_PRIVATE_REGISTRIES=${listed}, or for plain HTTP MAXCLOUD_INSECURE_REGISTRIES=${listed}.`
  )
}

export const moreThan = (maxBytes: number, { host }: URL) =>
  imageProblem("ImageInvalid", `${host} answers with more than ${maxBytes} bytes, which is more than expected.`)

export const unreachable = ({ host }: URL, what: string) =>
  new ImagesError({ message: `RegistryUnreachable: the registry ${host} ${what}. Retry later.` })

/**
 * A registry's name that has no address. An image without a registry in its name is Docker Hub's, whose name is right:
 * then the server's own network is at fault, and a retry may work. `EAI_AGAIN` says so for any name: its name servers
 * didn't answer.
 */
const unresolved = ({ hostname }: URL, code: "ENOTFOUND" | "EAI_AGAIN"): ImageProblem | ImagesError => {
  const isDockerHub = hostname === "docker.io" || hostname.endsWith(".docker.io")
  if (isDockerHub || code === "EAI_AGAIN") {
    return new ImagesError({
      message: `RegistryUnreachable: the server can't resolve the name ${hostname} (${code}). Check that the server has a name server (DNS) and access to the internet, then try again.`
    })
  }
  return new ImageProblem({
    message: `RegistryUnreachable: the server can't resolve the name ${hostname} (${code}). Check the registry in the image's name. If it's right, check the server's name server (DNS).`,
    noHost: true
  })
}

/**
 * Translates an error: into an `ImagesError` if it's temporary, into a problem if the name doesn't exist or the
 * certificate isn't trusted.
 */
export const explain = (error: Error, url: URL): ImageProblem | ImagesError => {
  // Users who deploy don't need to know the address of the server's proxy.
  if (error instanceof ProxyFailed) {
    return unreachable(url, `is unreachable through the server's proxy (${error.name} of the server: ${error.code})`)
  }
  if (error instanceof Unchecked) return new ImagesError({ message: `RegistryUnreachable: ${error.message}` })
  const code = errorCode(error)
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return unresolved(url, code)
  const untrusted = code === undefined ? undefined : certificateProblem(code, url.host)
  if (untrusted !== undefined) return untrusted
  if (code !== undefined && /ERR_SSL|EPROTO/.test(code)) {
    return imageProblem(
      "RegistryUnreachable",
      `${url.host} doesn't speak HTTPS (${code}). If it speaks plain HTTP, the operator can set MAXCLOUD_INSECURE_REGISTRIES=${url.host}.`
    )
  }
  if (code?.startsWith("HPE_") === true) {
    return imageProblem("RegistryUnreachable", `${url.host} doesn't speak HTTP (${code}). Check the image's name.`)
  }
  return unreachable(url, `is unreachable (${code ?? error.message})`)
}
