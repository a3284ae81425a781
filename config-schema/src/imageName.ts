/** The parts of an image reference, with Docker's defaults filled in. */
export interface ImageName {
  /** The registry's host with its port, as in images and credentials: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string
  /** Such as `library/nginx`. */
  readonly repository: string
  /** undefined if there is only a digest. */
  readonly tag: string | undefined
  /** `sha256:…` */
  readonly digest: string | undefined
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"
const grammar = new RegExp(`^(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`)
const hostGrammar = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::([1-9]\d{0,4}))?$/

const dockerHub = "docker.io"
const namesOfDockerHub = new Set([dockerHub, "index.docker.io", "registry-1.docker.io"])

/** Docker Hub has several names; other registries have one, in lower case. */
export const canonicalHost = (host: string) => {
  const written = host.toLowerCase()
  return namesOfDockerHub.has(written) ? dockerHub : written
}

/** Whether it is a registry's host, with or without a port. */
export const isRegistryHost = (host: string) => {
  const port = hostGrammar.exec(host)?.[1]
  return hostGrammar.test(host) && host.length <= 253 && (port === undefined || Number(port) <= 65_535)
}

/**
 * Parses an image reference as Docker does (distribution/reference, "normalized named"). The part before the first slash is a host if it has a
 * dot, a colon or a capital letter, or is `localhost`. Otherwise, the image is on Docker Hub, under `library/` if it has no slash. Without a tag
 * and digest, the tag is `latest`. undefined if it isn't a valid reference.
 */
export const parseImageName = (written: string): ImageName | undefined => {
  const slash = written.indexOf("/")
  const first = slash === -1 ? "" : written.slice(0, slash)
  const hasHost = /[.:A-Z]/.test(first) || first === "localhost"
  const registry = hasHost ? canonicalHost(first) : dockerHub
  const [, path, tag, digest] = grammar.exec(hasHost ? written.slice(slash + 1) : written) ?? []
  if (path === undefined || path.length > 255 || !isRegistryHost(registry)) return undefined
  return {
    registry,
    repository: registry === dockerHub && !path.includes("/") ? `library/${path}` : path,
    tag: tag ?? (digest === undefined ? "latest" : undefined),
    digest
  }
}
