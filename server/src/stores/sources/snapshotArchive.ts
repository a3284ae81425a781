import { createHash } from "node:crypto"
import { createReadStream, createWriteStream } from "node:fs"
import { mkdir, symlink } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createGunzip } from "node:zlib"
import { errorCode } from "../../base/node/errorCode.ts"
import { SourceError } from "./SourceStore.ts"
import { checkLinks, checkPath } from "./safePaths.ts"
import { invalid, readTar } from "./tarReader.ts"

export const archiveLimit = 256 * 1024 * 1024

export interface SnapshotLimits {
  readonly unpackedBytes: number
  readonly entries: number
}
const snapshotLimits: SnapshotLimits = { unpackedBytes: 1024 * 1024 * 1024, entries: 100_000 }

const tooLarge = (message: string) => new SourceError({ reason: "tooLarge", message })

async function* bounded(chunks: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > most) throw tooLarge("The archive unpacks to more than 1 GiB.")
    yield chunk
  }
}

const isZlibError = (cause: unknown) => errorCode(cause)?.startsWith("Z_") === true

/**
 * Reads a gzipped tar to its end, refuses everything that a snapshot must not contain, and returns its digest. With
 * `into`, an existing empty folder, unpacks it. Memory is bounded by the number of entries, never by their size.
 */
export const readSnapshot = async (
  archive: string,
  into?: string,
  limits: SnapshotLimits = snapshotLimits
): Promise<string> => {
  const hash = createHash("sha256")
  const paths = new Set<string>()
  const links = new Map<string, string>()
  let last = Buffer.alloc(0)
  const gunzip = createGunzip()
  const file = createReadStream(archive)
  file.once("error", (cause) => gunzip.destroy(cause))
  file.pipe(gunzip)
  try {
    // Headers count too: many empty entries are a bomb as well.
    const tar = readTar(bounded(gunzip, limits.unpackedBytes + limits.entries * 2048))
    let left = limits.unpackedBytes
    for await (const entry of tar) {
      const { path } = entry
      checkPath(path)
      const bytes = Buffer.from(path)
      if (Buffer.compare(last, bytes) >= 0)
        throw invalid(`The archive's entries must be sorted by path, each once: ${JSON.stringify(path)}.`)
      last = bytes
      if (paths.size >= limits.entries) throw tooLarge(`The archive has more than ${limits.entries} entries.`)
      left -= entry.size
      if (left < 0) throw tooLarge("The archive unpacks to more than 1 GiB.")
      // A file below a link would be written to the link's target.
      for (let parent = dirname(path); parent !== "."; parent = dirname(parent))
        if (paths.has(parent))
          throw invalid(`The archive contains ${JSON.stringify(parent)} as a file and as a folder.`)
      paths.add(path)

      if (entry.kind === "link") {
        links.set(path, entry.target)
        hash.update(`link\0${path}\0${createHash("sha256").update(entry.target).digest("hex")}\n`)
        continue
      }
      const content = createHash("sha256")
      const hashed = async function* () {
        for await (const chunk of entry.content) {
          content.update(chunk)
          yield chunk
        }
      }
      if (into === undefined) for await (const _ of hashed());
      else {
        await mkdir(dirname(join(into, path)), { recursive: true })
        const target = createWriteStream(join(into, path), { flags: "wx", mode: entry.executable ? 0o755 : 0o644 })
        await pipeline(Readable.from(hashed()), target)
      }
      hash.update(`${entry.executable ? "755" : "644"}\0${path}\0${content.digest("hex")}\n`)
    }
  } catch (cause) {
    throw isZlibError(cause) ? invalid("The archive isn't a valid gzip file.") : cause
  } finally {
    file.destroy()
    gunzip.destroy()
  }
  checkLinks(links)
  // Last, so that while files are written no link exists that could lead elsewhere.
  if (into !== undefined)
    for (const [path, target] of links) {
      await mkdir(dirname(join(into, path)), { recursive: true })
      await symlink(target, join(into, path))
    }
  return `sha256:${hash.digest("hex")}`
}
