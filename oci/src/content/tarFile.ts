import { createReadStream, createWriteStream } from "node:fs"
import { stat } from "node:fs/promises"
import { join, posix } from "node:path"
import { pipeline } from "node:stream/promises"
import { Effect } from "effect"
import { extract, type Header } from "tar-stream"
import { unpackedBytes } from "../documents/imageDocuments.ts"
import { OciError, ociError } from "../OciError.ts"
import { type Content, fileContent } from "./Content.ts"
import { compressionOf, decompressor } from "./compression.ts"
import { diskError } from "./diskError.ts"

const mostEntries = 20_000
const longestName = 1_000

/** The files of an archive, by their paths without a leading `./`. */
export type Files = ReadonlyMap<string, Content>

/** A path inside the archive; undefined if it leads out of it. */
const insideOf = (path: string): string | undefined => {
  const normal = posix.normalize(path)
  return posix.isAbsolute(path) || normal === ".." || normal.startsWith("../") || path.includes("\0")
    ? undefined
    : normal.replace(/\/$/, "")
}

const shown = (name: string) => JSON.stringify(name.slice(0, 200))

interface Reading {
  readonly path: string
  readonly files: Map<string, Content>
  /** Links, each with the path that it leads to. Docker before 25 wrote layers of several images once. */
  readonly links: Map<string, string>
  entries: number
}

/** Notes an entry. Throws for what no archive of an image contains. */
const note = (reading: Reading, { byteOffset = 0, linkname, name: written, size = 0, type }: Noted) => {
  const { files, links, path } = reading
  const invalid = (what: string) =>
    ociError("invalid", `${path}: ${what}`, "save the image again with `podman save` or `docker save`")
  reading.entries++
  if (reading.entries > mostEntries) throw invalid(`it has more than ${mostEntries} entries`)
  if (written.length > longestName) throw invalid(`the name of an entry is longer than ${longestName} characters`)
  const name = insideOf(written)
  if (name === undefined) throw invalid(`the entry ${shown(written)} leads out of the archive`)
  if (type === "directory") return
  if (files.has(name) || links.has(name)) throw invalid(`it contains ${shown(name)} twice`)
  if (type === "symlink" || type === "link") {
    const target = linkname ?? ""
    const to = insideOf(type === "link" || posix.isAbsolute(target) ? target : posix.join(posix.dirname(name), target))
    if (to === undefined || target === "") throw invalid(`the link ${shown(name)} leads out of the archive`)
    links.set(name, to)
    return
  }
  if (type !== "file" && type !== "contiguous-file") throw invalid(`${shown(name)} is neither a file nor a folder`)
  if (!Number.isSafeInteger(size) || size < 0) throw invalid(`the size of ${shown(name)} isn't valid`)
  files.set(name, fileContent(path, byteOffset, size))
}

type Noted = Header & { readonly byteOffset?: number }

/** Puts the files that links lead to under the links' names too. A link to a link isn't followed. */
const withLinks = ({ files, links }: Reading): Files => {
  const all = new Map(files)
  for (const [name, to] of links) {
    const target = files.get(to)
    if (target !== undefined) all.set(name, target)
  }
  return all
}

/** The contents of a tar archive, without unpacking it: each is read from the archive when it's needed. */
export const readTar = (path: string): Effect.Effect<Files, OciError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const reading: Reading = { path, files: new Map(), links: new Map(), entries: 0 }
      const unpacking = extract()
      unpacking.on("entry", (header: Noted, stream, next) => {
        // The archive fails with the same error.
        stream.on("error", () => undefined)
        try {
          note(reading, header)
          stream.on("end", next)
          stream.resume()
        } catch (error) {
          next(error instanceof Error ? error : new Error(String(error)))
        }
      })
      await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), unpacking, { signal })
      if (reading.entries === 0) throw new Error("it's empty")
      return withLinks(reading)
    },
    catch: (cause) => {
      if (cause instanceof OciError) return cause
      if (cause instanceof Error && "syscall" in cause) return diskError(cause, `read ${path}`)
      const why = cause instanceof Error ? cause.message : String(cause)
      return ociError(
        "invalid",
        `${path} isn't a complete tar archive (${why})`,
        "save the image again with `podman save` or `docker save`"
      )
    }
  })

/** An archive that can be read at any offset: itself, or unpacked in `folder` if it's compressed. */
export const seekable = (path: string, folder: string): Effect.Effect<string, OciError> =>
  Effect.tryPromise({
    try: async (signal) => {
      const { size } = await stat(path)
      const compression = await compressionOf(fileContent(path, 0, size))
      if (compression === undefined) return path
      const target = join(folder, "archive.tar")
      let bytes = 0
      await pipeline(
        createReadStream(path),
        decompressor(compression),
        async function* (chunks: AsyncIterable<Buffer>) {
          for await (const chunk of chunks) {
            bytes += chunk.length
            if (bytes > unpackedBytes) throw ociError("tooLarge", `${path} has more than 64 GiB when it's unpacked`)
            yield chunk
          }
        },
        createWriteStream(target, { mode: 0o600 }),
        { signal }
      )
      return target
    },
    catch: (cause) => {
      if (cause instanceof OciError) return cause
      return cause instanceof Error && "syscall" in cause
        ? diskError(cause, `unpack ${path} into ${folder}`)
        : ociError("invalid", `${path} is damaged: it can't be unpacked`, "save the image again")
    }
  })
