import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"

export const digestOf = (content: Buffer | string) => `sha256:${createHash("sha256").update(content).digest("hex")}`

/** An image without files, pushed through the registry's API: enough to look up, but not to run. */
export interface Build {
  readonly platform: string
  readonly user?: string
  readonly exposed?: ReadonlyArray<string>
}

export const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json"
} as const

export interface Repository {
  /** `127.0.0.1:<port>` */
  readonly host: string
  readonly name: string
  readonly authorization?: string
}

const send = async (to: Repository, method: string, url: string, body?: Buffer | string, type?: string) => {
  const response = await fetch(url, {
    method,
    headers: {
      ...(to.authorization === undefined ? {} : { authorization: to.authorization }),
      ...(type === undefined ? {} : { "content-type": type })
    },
    ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) })
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response
}

export const pushBlob = async (to: Repository, content: Buffer | string) => {
  const start = await send(to, "POST", `http://${to.host}/v2/${to.name}/blobs/uploads/`)
  const location = new URL(start.headers.get("location") ?? "", `http://${to.host}`)
  location.searchParams.set("digest", digestOf(content))
  await send(to, "PUT", location.href, content, "application/octet-stream")
  return { digest: digestOf(content), size: Buffer.byteLength(content) }
}

export const pushManifest = async (to: Repository, tag: string, document: unknown, type: string) => {
  const content = JSON.stringify(document)
  await send(to, "PUT", `http://${to.host}/v2/${to.name}/manifests/${tag}`, content, type)
  return { digest: digestOf(content), size: Buffer.byteLength(content) }
}

/** One build under a tag. */
export const pushBuild = async (
  to: Repository,
  tag: string,
  { exposed, platform, user }: Build,
  format: "oci" | "docker" = "oci"
) => {
  const [os, architecture] = platform.split("/")
  const layer = await pushBlob(to, gzipSync(Buffer.alloc(1024)))
  const config = await pushBlob(
    to,
    JSON.stringify({
      os,
      architecture,
      config: {
        ...(user === undefined ? {} : { User: user }),
        ...(exposed === undefined ? {} : { ExposedPorts: Object.fromEntries(exposed.map((value) => [value, {}])) })
      },
      rootfs: { type: "layers", diff_ids: [digestOf(Buffer.alloc(1024))] }
    })
  )
  const mediaType = format === "oci" ? types.manifest : types.dockerManifest
  const document = {
    schemaVersion: 2,
    mediaType,
    config: { mediaType: format === "oci" ? types.config : types.dockerConfig, ...config },
    layers: [
      {
        mediaType:
          format === "oci"
            ? "application/vnd.oci.image.layer.v1.tar+gzip"
            : "application/vnd.docker.image.rootfs.diff.tar.gzip",
        ...layer
      }
    ]
  }
  return pushManifest(to, tag, document, mediaType)
}

/** Several builds under one tag. */
export const pushIndex = async (
  to: Repository,
  tag: string,
  builds: ReadonlyArray<Build>,
  format: "oci" | "docker" = "oci"
) => {
  const manifests = []
  for (const build of builds) {
    const [os, architecture] = build.platform.split("/")
    const { digest, size } = await pushBuild(to, `build-${architecture}`, build, format)
    const mediaType = format === "oci" ? types.manifest : types.dockerManifest
    manifests.push({ mediaType, digest, size, platform: { os, architecture } })
  }
  const mediaType = format === "oci" ? types.index : types.dockerList
  return pushManifest(to, tag, { schemaVersion: 2, mediaType, manifests }, mediaType)
}
