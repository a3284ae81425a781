/** An image reference in its parts, with what Docker leaves out put in. */
export interface ImageName {
  /** Host of the registry as images and credentials name it, with its port: `docker.io`, `127.0.0.1:5000`. */
  readonly registry: string
  /** Such as `library/nginx`. */
  readonly repository: string
  /** undefined where only a digest is given. */
  readonly tag: string | undefined
  /** `sha256:…` */
  readonly digest: string | undefined
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*"
const grammar = new RegExp(`^(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(?:@(sha256:[a-f0-9]{64}))?$`)
const hostGrammar = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::([1-9]\d{0,4}))?$/

const dockerHub = "docker.io"
const namesOfDockerHub = new Set([dockerHub, "index.docker.io", "registry-1.docker.io"])

/** Docker Hub has several names; the others have one, in small letters. */
export const canonicalHost = (host: string) => {
  const written = host.toLowerCase()
  return namesOfDockerHub.has(written) ? dockerHub : written
}

/** Is it the host of a registry, with or without a port? */
export const isRegistryHost = (host: string) => {
  const port = hostGrammar.exec(host)?.[1]
  return hostGrammar.test(host) && host.length <= 253 && (port === undefined || Number(port) <= 65_535)
}

/**
 * Reads an image reference as Docker does (distribution/reference, "normalized named"). The part before the first slash is a host if it
 * has a dot, a colon or a capital letter, or is `localhost`. Else the image is Docker Hub's, under `library/` if it has no slash.
 * Without a tag and digest the tag is `latest`. undefined: it isn't a valid reference.
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
