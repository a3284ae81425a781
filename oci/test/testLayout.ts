import { createHash, randomBytes } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { pack } from "tar-stream"

const ociTypes = "application/vnd.oci.image"
export const digestOf = (content: Buffer | string) => `sha256:${createHash("sha256").update(content).digest("hex")}`

export interface TarEntry {
  readonly name: string
  readonly content?: Buffer | string
  readonly type?: "file" | "symlink" | "link" | "fifo" | "directory"
  readonly linkname?: string
}

export const tarOf = async (entries: ReadonlyArray<TarEntry>): Promise<Buffer> => {
  const archive = pack()
  for (const { content = "", linkname, name, type = "file" } of entries) {
    if (type === "file") archive.entry({ name, type }, content)
    else archive.entry({ name, type, ...(linkname === undefined ? {} : { linkname }) })
  }
  archive.finalize()
  const chunks: Array<Buffer> = []
  for await (const chunk of archive) if (Buffer.isBuffer(chunk)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export interface LayoutImage {
  readonly digest: string
  readonly config: string
  readonly layers: ReadonlyArray<string>
}

/** An OCI layout that is filled in memory, so that a test can also write what no tool would. */
export const makeLayout = () => {
  const files = new Map<string, Buffer>()
  const manifests: Array<Record<string, unknown>> = []
  const put = (content: Buffer | string) => {
    const bytes = Buffer.from(content)
    const digest = digestOf(bytes)
    files.set(`blobs/${digest.replace(":", "/")}`, bytes)
    return { digest, size: bytes.length }
  }
  const putJson = (value: unknown) => put(JSON.stringify(value))
  return {
    files,
    manifests,
    put,
    putJson,
    /** Stores an image without listing it. */
    image: async (
      layers: ReadonlyArray<Buffer>,
      { architecture = "amd64", more = {} }: { readonly architecture?: string; readonly more?: object } = {}
    ) => {
      const stored = layers.map((layer) => put(gzipSync(layer, { level: 1 })))
      const rootfs = { type: "layers", diff_ids: layers.map(digestOf) }
      const config = putJson({ os: "linux", architecture, config: { Cmd: ["/true"] }, rootfs })
      const manifest = putJson({
        schemaVersion: 2,
        mediaType: `${ociTypes}.manifest.v1+json`,
        config: { mediaType: `${ociTypes}.config.v1+json`, ...config },
        layers: stored.map((layer) => ({ mediaType: `${ociTypes}.layer.v1.tar+gzip`, ...layer })),
        ...more
      })
      return { ...manifest, config: config.digest, layers: stored.map(({ digest }) => digest) }
    },
    /** Stores an index of images. */
    index: (images: ReadonlyArray<{ readonly digest: string; readonly size: number; readonly architecture: string }>) =>
      putJson({
        schemaVersion: 2,
        mediaType: `${ociTypes}.index.v1+json`,
        manifests: images.map(({ architecture, digest, size }) => ({
          mediaType: `${ociTypes}.manifest.v1+json`,
          digest,
          size,
          platform: { os: "linux", architecture }
        }))
      }),
    /** Lists a document in `index.json`. */
    list: (
      {
        artifactType,
        digest,
        size
      }: { readonly digest: string; readonly size: number; readonly artifactType?: string },
      tag?: string,
      kind: "manifest" | "index" = "manifest"
    ) => {
      manifests.push({
        mediaType: `${ociTypes}.${kind}.v1+json`,
        digest,
        size,
        ...(artifactType === undefined ? {} : { artifactType }),
        ...(tag === undefined ? {} : { annotations: { "org.opencontainers.image.ref.name": tag } })
      })
    },
    entries: (): ReadonlyArray<TarEntry> => [
      { name: "oci-layout", content: '{"imageLayoutVersion":"1.0.0"}' },
      { name: "index.json", content: JSON.stringify({ schemaVersion: 2, manifests }) },
      ...[...files].map(([name, content]) => ({ name, content }))
    ]
  }
}

export type TestLayout = ReturnType<typeof makeLayout>

export const writeLayout = (folder: string, layout: TestLayout): string => {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true })
  for (const { content = "", name } of layout.entries()) writeFileSync(join(folder, name), content)
  return folder
}

/** A layer with one file of random content, which can't be compressed. */
export const randomLayer = (name: string, bytes: number) => tarOf([{ name, content: randomBytes(bytes) }])

/** An archive of `docker save`. */
export const dockerArchive = async (
  layers: ReadonlyArray<Buffer>,
  { diffIds = layers.map(digestOf), more = [], tags = ["localhost/app:1.4"] as ReadonlyArray<string> | null } = {}
) => {
  const config = JSON.stringify({
    os: "linux",
    architecture: "amd64",
    config: {},
    rootfs: { type: "layers", diff_ids: diffIds }
  })
  const names = layers.map((_, index) => `layer-${index}/layer.tar`)
  return tarOf([
    { name: "manifest.json", content: JSON.stringify([{ Config: "config.json", RepoTags: tags, Layers: names }]) },
    { name: "config.json", content: config },
    ...layers.map((content, index) => ({ name: names[index] ?? "", content })),
    ...more
  ])
}
