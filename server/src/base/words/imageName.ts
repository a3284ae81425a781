import { canonicalHost, type ImageName, isRegistryHost } from "@maxcloud/config-schema"
import { Schema } from "effect"

export { canonicalHost, type ImageName, parseImageName } from "@maxcloud/config-schema"

const dockerHub = "docker.io"

/** The image by digest, so that every pull gets the same image. */
export const pinnedReference = ({ registry, repository }: ImageName, digest: string) =>
  `${registry}/${repository}@${digest}`

/** The digest, or the id of a local image, at the end of a reference: its meaning never changes. */
export const pinOf = (written: string): string | undefined => /@(sha256:[a-f0-9]{64})$/.exec(written)?.[1]

/** The image's name in messages. */
export const writeImageName = ({ digest, registry, repository, tag }: ImageName) =>
  `${registry}/${repository}${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`

/** The host of a registry's API: Docker Hub's differs from its name. */
export const apiHostOf = (registry: string) => (registry === dockerHub ? "registry-1.docker.io" : registry)

/** A registry in a setting: a host, which matches each of its ports, or a host with its port. */
export const namesRegistry = (hosts: ReadonlySet<string>, host: string) =>
  hosts.has(host) || hosts.has(host.replace(/:\d+$/, ""))

/** Is this host listed with this port? Both may leave out the port, which is then `defaultPort`. */
export const listsRegistry = (hosts: ReadonlySet<string>, host: string, defaultPort: 80 | 443) => {
  const bare = host.endsWith(`:${defaultPort}`) ? host.slice(0, -`:${defaultPort}`.length) : host
  return hosts.has(bare) || hosts.has(`${bare}:${defaultPort}`)
}

/** Registries in a setting. */
export const RegistryHosts = Schema.Array(
  Schema.String.pipe(
    Schema.filter((value) => isRegistryHost(canonicalHost(value)) || `"${value}" isn't the host of a registry`)
  )
)
