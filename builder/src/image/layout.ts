import { createHash, randomBytes } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Readable, Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { digestOf, documentBytes } from "@maxcloud/oci"
import { Option, Schema } from "effect"
import { invalid } from "../model.ts"
import { type Descriptor, IndexDocument, jsonOf, mediaTypes } from "./documents.ts"

/** The annotation with an image's tag in a layout (OCI image-spec 1.1, "Image Layout"). */
export const refName = "org.opencontainers.image.ref.name"

const decodeIndex = Schema.decodeUnknownOption(IndexDocument)
const decodeLayout = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Struct({ imageLayoutVersion: Schema.Literal("1.0.0") }))
)

/** The index of a layout; undefined if the folder isn't a layout. */
export const readLayoutIndex = async (folder: string): Promise<typeof IndexDocument.Type | undefined> => {
  const marker = await readFile(join(folder, "oci-layout"), "utf8").catch(() => "")
  if (Option.isNone(decodeLayout(marker))) return undefined
  const found = await stat(join(folder, "index.json")).catch(() => undefined)
  if (found?.isFile() !== true || found.size > documentBytes) return undefined
  return Option.getOrUndefined(decodeIndex(await readFile(join(folder, "index.json"), "utf8")))
}

export const blobFile = (folder: string, digest: string) => join(folder, "blobs", ...digest.split(":"))

/** An OCI layout that is being written. */
export interface LayoutWriter {
  readonly putBytes: (mediaType: string, content: Buffer) => Promise<Descriptor>
  /** Stores everything that the stream delivers. `expected`: rejects if it has another digest or size. */
  readonly putStream: (
    mediaType: string,
    content: Readable,
    expected?: Pick<Descriptor, "digest" | "size">
  ) => Promise<Descriptor>
  readonly has: (descriptor: Pick<Descriptor, "digest" | "size">) => Promise<boolean>
  /** Reads a stored blob. */
  readonly open: (descriptor: Pick<Descriptor, "digest">) => Readable
  /** Makes the image available, after everything that it needs. `manifests` replace those with the same tag. */
  readonly publish: (manifests: ReadonlyArray<Descriptor>) => Promise<void>
}

const indexOf = (manifests: ReadonlyArray<Descriptor>) =>
  jsonOf({ schemaVersion: 2, mediaType: mediaTypes.index, manifests })

/** Writes a file so that a crash leaves the former or the new content. */
const replaceFile = async (path: string, content: Buffer) => {
  const unfinished = `${path}.${randomBytes(4).toString("hex")}`
  try {
    const file = await open(unfinished, "wx", 0o644)
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, path)
  } finally {
    await rm(unfinished, { force: true })
  }
}

const prepare = async (folder: string): Promise<void> => {
  const names = await readdir(folder).catch((cause) => {
    if (cause.code === "ENOENT") return []
    throw cause.code === "ENOTDIR" ? invalid(`${folder} is a file. Name another folder for the image.`) : cause
  })
  if (names.length > 0 && (await readLayoutIndex(folder)) === undefined)
    throw invalid(`${folder} has other files. Name an empty or new folder for the image, or one with an OCI layout.`)
  await mkdir(join(folder, "blobs/sha256"), { recursive: true })
  if (names.length > 0) return
  // A build that's killed leaves a layout without images, which the next one can use.
  await writeFile(join(folder, "oci-layout"), jsonOf({ imageLayoutVersion: "1.0.0" }))
  await replaceFile(join(folder, "index.json"), indexOf([]))
}

/** The entries of the new index: an older one with the same tag or digest is replaced. */
const merged = (before: ReadonlyArray<Descriptor>, added: ReadonlyArray<Descriptor>): ReadonlyArray<Descriptor> => {
  const tags = new Set(added.flatMap(({ annotations }) => annotations?.[refName] ?? []))
  const digests = new Set(added.map(({ digest }) => digest))
  const kept = before.filter(({ annotations, digest }) => {
    const tag = annotations?.[refName]
    return tag === undefined ? !digests.has(digest) : !tags.has(tag)
  })
  return [...kept, ...added]
}

/** Opens a folder that is new, empty or an OCI layout. */
export const openLayout = async (folder: string): Promise<LayoutWriter> => {
  await prepare(folder)
  const has: LayoutWriter["has"] = ({ digest, size }) =>
    stat(blobFile(folder, digest)).then(
      (found) => found.isFile() && found.size === size,
      () => false
    )
  const putStream: LayoutWriter["putStream"] = async (mediaType, content, expected) => {
    const unfinished = join(folder, "blobs", `unfinished-${randomBytes(8).toString("hex")}`)
    const hash = createHash("sha256")
    let size = 0
    const counted = new Transform({
      transform: (chunk: Buffer, _, done) => {
        size += chunk.length
        hash.update(chunk)
        if (expected !== undefined && size > expected.size)
          return done(invalid(`The content of ${expected.digest} is longer than its ${expected.size} bytes.`))
        done(null, chunk)
      }
    })
    try {
      await pipeline(content, counted, createWriteStream(unfinished, { flags: "wx", mode: 0o644 }))
      const digest = `sha256:${hash.digest("hex")}`
      if (expected !== undefined && (expected.digest !== digest || expected.size !== size))
        throw invalid(`The content of ${expected.digest} is damaged: it has ${size} bytes with the digest ${digest}.`)
      await rename(unfinished, blobFile(folder, digest))
      return { mediaType, digest, size }
    } finally {
      await rm(unfinished, { force: true })
    }
  }
  return {
    has,
    putStream,
    open: ({ digest }) => createReadStream(blobFile(folder, digest)),
    putBytes: async (mediaType, content) => {
      const descriptor = { mediaType, digest: digestOf(content), size: content.length }
      return (await has(descriptor)) ? descriptor : putStream(mediaType, Readable.from([content]))
    },
    publish: async (manifests) => {
      const before = (await readLayoutIndex(folder))?.manifests ?? []
      await replaceFile(join(folder, "index.json"), indexOf(merged(before, manifests)))
    }
  }
}
