import { createHash } from "node:crypto"
import { constants as fsConstants } from "node:fs"
import { open } from "node:fs/promises"
import { posix } from "node:path"
import { Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import { constants, createZstdCompress } from "node:zlib"
import { type Pack, pack } from "tar-stream"
import { invalid } from "../model.ts"
import { type Descriptor, mediaTypes } from "./documents.ts"
import type { LayoutWriter } from "./layout.ts"
import { foldersAbove, sortedByBytes, type TreeEntry } from "./tree.ts"

/** A stored layer. */
export interface StoredLayer {
  readonly descriptor: Descriptor
  /** The digest of the uncompressed archive. */
  readonly diffId: string
}

/** Read files up to this size at once: a stream costs more than their content. */
const smallBytes = 256 * 1024
/** The level that compresses faster than a disk writes. */
const level = 3

const changed = (path: string) =>
  invalid(`${JSON.stringify(path)} in the built source changed while it was read. Retry.`)

async function* contentOf({ bytes, content = Buffer.alloc(0), path }: TreeEntry): AsyncGenerator<Buffer> {
  if (typeof content !== "string") return yield content
  // The file may have become a link since the tree was read.
  const file = await open(content, fsConstants.O_RDONLY | fsConstants.O_NOFOLLOW)
  try {
    if ((await file.stat()).size !== bytes) throw changed(path)
    for (let at = 0; at < bytes; ) {
      const chunk = Buffer.allocUnsafe(Math.min(smallBytes, bytes - at))
      const { bytesRead } = await file.read(chunk, 0, chunk.length, at)
      if (bytesRead === 0) throw changed(path)
      at += bytesRead
      yield chunk.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

/** The time, the owner and the group of every entry: equal content has equal bytes. */
const fixed = { mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" }

const headerOf = (path: string, { bytes, kind, mode, target = "" }: TreeEntry) => {
  if (kind === "folder") return { ...fixed, name: `${path}/`, type: "directory" as const, mode }
  if (kind === "link") return { ...fixed, name: path, type: "symlink" as const, mode, linkname: target }
  return { ...fixed, name: path, type: "file" as const, mode, size: bytes }
}

const addEntry = async (archive: Pack, path: string, entry: TreeEntry): Promise<void> => {
  const header = headerOf(path, entry)
  const { promise, reject, resolve } = Promise.withResolvers<void>()
  const done = (cause?: Error | null) => (cause === undefined || cause === null ? resolve() : reject(cause))
  if (entry.kind !== "file") {
    archive.entry(header, done)
    return promise
  }
  if (entry.bytes <= smallBytes) {
    const chunks: Array<Buffer> = []
    for await (const chunk of contentOf(entry)) chunks.push(chunk)
    archive.entry(header, Buffer.concat(chunks), done)
    return promise
  }
  const sink = archive.entry(header, done)
  // The promise reports why it failed.
  sink.on("error", () => undefined)
  for await (const chunk of contentOf(entry)) {
    if (!sink.write(chunk))
      await Promise.race([new Promise<void>((drained) => sink.once("drain", () => drained())), promise])
  }
  sink.end(undefined)
  return promise
}

/** An entry, and its path in the image. */
interface Placed {
  readonly path: string
  readonly entry: TreeEntry
}

/** Feeds the archive. A failure destroys it, which its reader notices. */
const feed = async (archive: Pack, entries: ReadonlyArray<Placed>, signal: AbortSignal | undefined) => {
  try {
    for (const { entry, path } of entries) {
      signal?.throwIfAborted()
      await addEntry(archive, path, entry)
    }
    archive.finalize()
  } catch (cause) {
    archive.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    throw cause
  }
}

/**
 * Stores the entries, below `prefix`, as a layer: a tar archive with fixed times and owners, compressed with Zstandard, whose output doesn't depend on
 * the processor, as that of Node's zlib does. Streams: the memory doesn't depend on the files' sizes.
 */
export const writeLayer = async (
  layout: LayoutWriter,
  prefix: string,
  entries: ReadonlyArray<TreeEntry>,
  signal?: AbortSignal
): Promise<StoredLayer> => {
  const placed = entries.map((entry) => ({ path: posix.join(prefix, entry.path), entry }))
  const known = new Set(placed.map(({ path }) => path))
  const above = foldersAbove(known).flatMap((entry) => (known.has(entry.path) ? [] : [{ path: entry.path, entry }]))
  const archive = pack()
  const hash = createHash("sha256")
  const hashed = new Transform({
    transform: (chunk: Buffer, _, done) => {
      hash.update(chunk)
      done(null, chunk)
    }
  })
  const compressed = createZstdCompress({
    params: { [constants.ZSTD_c_compressionLevel]: level, [constants.ZSTD_c_checksumFlag]: 1 }
  })
  const [descriptor] = await Promise.all([
    layout.putStream(mediaTypes.layer, compressed),
    pipeline(archive, hashed, compressed),
    feed(archive, sortedByBytes([...placed, ...above]), signal)
  ])
  return { descriptor, diffId: `sha256:${hash.digest("hex")}` }
}
