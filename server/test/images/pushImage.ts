import { createHash } from "node:crypto"
import { gzipSync } from "node:zlib"

export interface ImageFile {
  readonly path: string
  readonly content: Buffer
  /** @default 0o755 */
  readonly mode?: number
}

/** The image to create: only these files. */
export interface ImageRecipe {
  readonly files: ReadonlyArray<ImageFile>
  readonly entrypoint?: ReadonlyArray<string>
  readonly user?: string
  readonly exposedPort?: number
  /** The platform that the image declares. @default amd64 */
  readonly architecture?: string
  /** Put the image behind an index, which lists it under its platform. */
  readonly index?: boolean
}

export interface PushTarget {
  /** `127.0.0.1:PORT`, over plain HTTP. */
  readonly host: string
  readonly name: string
  readonly tag: string
  /** Basic credentials, `user:password`. */
  readonly credentials?: string
}

export interface PushedImage {
  /** By tag. */
  readonly reference: string
  readonly digest: string
  readonly layerDigest: string
}

const digestOf = (content: Buffer) => `sha256:${createHash("sha256").update(content).digest("hex")}`

const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, "0")}\0`

/** One entry of a ustar archive (POSIX.1-1988). */
const tarEntry = ({ content, mode = 0o755, path }: ImageFile): Buffer => {
  const header = Buffer.alloc(512)
  header.write(path.replace(/^\//, ""), 0, 100)
  header.write(octal(mode, 8), 100)
  header.write(octal(0, 8), 108)
  header.write(octal(0, 8), 116)
  header.write(octal(content.length, 12), 124)
  header.write(octal(0, 12), 136)
  header.write("        ", 148)
  header.write("0", 156)
  header.write("ustar\x0000", 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
  return Buffer.concat([header, content, Buffer.alloc((512 - (content.length % 512)) % 512)])
}

/**
 * Builds an image and pushes it through the registry's API (OCI distribution specification), without a tool. So it may also be
 * one that no tool would create.
 */
export const pushImage = async (recipe: ImageRecipe, target: PushTarget): Promise<PushedImage> => {
  const headers: Record<string, string> =
    target.credentials === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(target.credentials).toString("base64")}` }
  const base = `http://${target.host}/v2/${target.name}`
  const check = async (what: string, response: Response) => {
    if (!response.ok) throw new Error(`${what}: ${response.status} ${await response.text()}`)
    return response
  }
  const putBlob = async (content: Buffer) => {
    const digest = digestOf(content)
    const upload = await check("upload", await fetch(`${base}/blobs/uploads/`, { method: "POST", headers }))
    const location = new URL(upload.headers.get("location") ?? "", base)
    location.searchParams.set("digest", digest)
    await check("blob", await fetch(location, { method: "PUT", headers, body: new Uint8Array(content) }))
    return digest
  }
  const putManifest = async (reference: string, mediaType: string, content: Buffer) => {
    const put = { method: "PUT", headers: { ...headers, "content-type": mediaType }, body: new Uint8Array(content) }
    await check("manifest", await fetch(`${base}/manifests/${reference}`, put))
    return digestOf(content)
  }

  const layer = Buffer.concat([...recipe.files.map(tarEntry), Buffer.alloc(1024)])
  const packed = gzipSync(layer, { level: 1 })
  const platform = { architecture: recipe.architecture ?? "amd64", os: "linux" }
  const config = Buffer.from(
    JSON.stringify({
      ...platform,
      config: {
        Entrypoint: recipe.entrypoint ?? ["/faulty"],
        Env: ["PATH=/bin"],
        ...(recipe.user === undefined ? {} : { User: recipe.user }),
        ...(recipe.exposedPort === undefined ? {} : { ExposedPorts: { [`${recipe.exposedPort}/tcp`]: {} } })
      },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      history: [{ created_by: "test" }]
    })
  )
  const layerDigest = await putBlob(packed)
  const configDigest = await putBlob(config)
  const manifestType = "application/vnd.oci.image.manifest.v1+json"
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: configDigest, size: config.length },
      layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: layerDigest, size: packed.length }]
    })
  )
  const reference = `${target.host}/${target.name}:${target.tag}`
  if (recipe.index !== true) {
    return { reference, digest: await putManifest(target.tag, manifestType, manifest), layerDigest }
  }
  const digest = await putManifest(digestOf(manifest), manifestType, manifest)
  const indexType = "application/vnd.oci.image.index.v1+json"
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: indexType,
      manifests: [{ mediaType: manifestType, digest, size: manifest.length, platform }]
    })
  )
  return { reference, digest: await putManifest(target.tag, indexType, index), layerDigest }
}
