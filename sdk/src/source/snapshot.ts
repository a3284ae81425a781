import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { lstat, readFile, readlink } from "node:fs/promises"
import { join, posix } from "node:path"
import { pipeline as pipelineOf, Readable, Transform } from "node:stream"
import { createGzip } from "node:zlib"
import { type Source, SourceDigest } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { SourceInvalid } from "../errors.ts"
import { cutWorkspace } from "../workspace/cutWorkspace.ts"
import { type Collected, collectCut, collectFolder, leaveOut } from "./collect.ts"
import { tarEnd, tarHeader, tarPadding } from "./tar.ts"

interface Entry {
  readonly path: string
  readonly mode: "644" | "755" | "link"
  readonly bytes: number
  /** The SHA-256 of the content or of the link's target, in hexadecimal digits. */
  readonly sha256: string
  /** Only for a link. */
  readonly target?: string
  /** The content to send instead of the file's own. */
  readonly content?: Buffer
}

/** The parts of a workspace in a snapshot. Folders are relative to its root. */
export interface SnapshotCut {
  /** The service's folder. */
  readonly package: string
  /** The included packages and folders. */
  readonly with: ReadonlyArray<string>
}

/**
 * The content of a folder at one moment, identified by its digest: SHA-256 over `<644 | 755 | link>\0<path>\0<hex SHA-256 of the content,
 * or of the link's target>
 * ` for each file and link, sorted by the bytes of their paths. The archive's own bytes don't count, so
 * that a server can check the digest against the unpacked files.
 */
export interface Snapshot {
  /** The absolute path of the source folder, or of the root of the workspace that it was cut from. */
  readonly folder: string
  /** Set for a package of a workspace. */
  readonly cut?: SnapshotCut
  /** Files left out because they are secret by convention: `.env`, private keys, credentials for registries. */
  readonly leftOut: ReadonlyArray<string>
  readonly digest: SourceDigest
  readonly files: number
  /** The unpacked size. */
  readonly bytes: number
  /** Creates a gzipped tar, in constant memory. Fails if a file no longer matches the digest. */
  readonly archive: () => Readable
}

const largestArchive = 256 * 2 ** 20

/** Read files up to this size at once: streams for thousands of small files cost more than their content. */
const smallBytes = 256 * 1024

const contentOf = async function* (file: string, size: number): AsyncGenerator<Buffer> {
  if (size <= smallBytes) {
    const content = await readFile(file)
    if (content.length > 0) yield content
  } else yield* createReadStream(file, { highWaterMark: smallBytes }) as AsyncIterable<Buffer>
}

const hashOfFile = async (file: string, size: number): Promise<{ sha256: string; bytes: number }> => {
  const hash = createHash("sha256")
  let bytes = 0
  for await (const chunk of contentOf(file, size)) {
    bytes += chunk.length
    hash.update(chunk)
  }
  return { sha256: hash.digest("hex"), bytes }
}

/** Runs `use` on all items, eight at a time, and keeps their order. */
const eightAtATime = async <A, B>(items: ReadonlyArray<A>, use: (item: A) => Promise<B>): Promise<ReadonlyArray<B>> => {
  const results: Array<B> = []
  for (let at = 0; at < items.length; at += 8) results.push(...(await Promise.all(items.slice(at, at + 8).map(use))))
  return results
}

const byBytes = (a: { path: string }, b: { path: string }) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))

const checkFolder = async (folder: string): Promise<void> => {
  const invalid = (detail: string) => new SourceInvalid({ folder, detail })
  const stats = await lstat(folder).catch(() => undefined)
  if (stats === undefined) throw invalid(`the source folder ${folder} doesn't exist: create it, or correct \`source\``)
  if (stats.isSymbolicLink()) throw invalid(`the source folder ${folder} is a link: use the folder that it points to`)
  if (!stats.isDirectory())
    throw invalid(`the source ${folder} isn't a folder: use the folder that contains the program`)
}

const entryOf = async (folder: string, { content, mode, path, size }: Collected["found"][number]): Promise<Entry> => {
  if (content !== undefined) {
    return { path, mode, bytes: content.length, sha256: createHash("sha256").update(content).digest("hex"), content }
  }
  if (mode !== "link") return { path, mode, ...(await hashOfFile(join(folder, path), size)) }
  const target = await readlink(join(folder, path))
  const end = posix.join(posix.dirname(path), target)
  if (target.startsWith("/") || end === ".." || end.startsWith("../")) {
    const detail = `the link ${path} in ${folder} points outside of it (${target}): exclude the link, or copy its target`
    throw new SourceInvalid({ folder, detail })
  }
  return { path, mode, bytes: 0, sha256: createHash("sha256").update(target).digest("hex"), target }
}

const makeSnapshot = async (source: string, signal: AbortSignal): Promise<Snapshot> => {
  await checkFolder(source)
  const cut = await cutWorkspace(source)
  const folder = cut?.root ?? source
  const { found, leftOut } = cut === undefined ? await collectFolder(source, signal) : await collectCut(cut, signal)
  if (found.length === 0) {
    const detail = `the source ${folder} has no files (excluding those ignored by .dockerignore or .gitignore)`
    throw new SourceInvalid({ folder, detail })
  }
  const entries = await eightAtATime([...found].sort(byBytes), (one) => {
    signal.throwIfAborted()
    return entryOf(folder, one)
  })

  const hash = createHash("sha256")
  for (const { mode, path, sha256 } of entries) hash.update(`${mode}\0${path}\0${sha256}\n`)
  return {
    folder,
    ...(cut === undefined
      ? {}
      : { cut: { package: cut.package, with: cut.folders.filter((folder) => folder !== cut.package) } }),
    leftOut,
    digest: SourceDigest.make(`sha256:${hash.digest("hex")}`),
    files: entries.length,
    bytes: entries.reduce((sum, entry) => sum + entry.bytes, 0),
    archive: () => archiveOf(folder, entries)
  }
}

async function* tarOf(folder: string, entries: ReadonlyArray<Entry>): AsyncGenerator<Buffer> {
  for (const { bytes, content, mode, path, sha256, target } of entries) {
    if (target !== undefined) {
      yield tarHeader({ path, mode: 0o777, bytes: 0, target })
      continue
    }
    yield tarHeader({ path, mode: mode === "755" ? 0o755 : 0o644, bytes })
    if (content !== undefined) {
      if (content.length > 0) yield content
      yield tarPadding(bytes)
      continue
    }
    const changed = new SourceInvalid({ folder, detail: `${path} in ${folder} changed while it was read: retry` })
    const hash = createHash("sha256")
    let length = 0
    for await (const chunk of contentOf(join(folder, path), bytes)) {
      length += chunk.length
      if (length > bytes) throw changed
      hash.update(chunk)
      yield chunk
    }
    if (length < bytes || hash.digest("hex") !== sha256) throw changed
    yield tarPadding(bytes)
  }
  yield tarEnd
}

const archiveOf = (folder: string, entries: ReadonlyArray<Entry>): Readable => {
  let written = 0
  const bounded = new Transform({
    transform: (chunk: Buffer, _, done) => {
      written += chunk.length
      if (written <= largestArchive) return done(null, chunk)
      done(
        new SourceInvalid({ folder, detail: `the source ${folder} is larger than 256 MiB when packed: ${leaveOut}` })
      )
    }
  })
  // An error in any part destroys the last part, where the reader gets it.
  pipelineOf(Readable.from(tarOf(folder, entries)), createGzip({ level: 3, chunkSize: smallBytes }), bounded, () => {})
  return bounded
}

/**
 * Reads `folder` (absolute) once, for its digest. Leaves out `.git`, `node_modules`, `.maxcloud`, and the files that `.dockerignore` names
 * (or `.gitignore` if there is none). Also leaves out files that are secret by convention, unless these name them with a `!`. If the folder
 * is a package of a workspace, the snapshot is cut from the workspace: everything the package needs, in the workspace's own layout. Empty folders
 * are left out, as git does. At most 1 GiB, 256 MiB packed, 100,000 files.
 */
export const snapshotOf = (folder: string): Effect.Effect<Snapshot, SourceInvalid> =>
  Effect.tryPromise({
    try: (signal) => makeSnapshot(folder, signal),
    catch: (error) =>
      error instanceof SourceInvalid
        ? error
        : new SourceInvalid({ folder, detail: `the source ${folder} can't be read: ${reason(error)}` })
  })

/** The `source` field to send for a service with this snapshot. */
export const sourceFields = (path: string, { cut, digest }: Snapshot): Source => ({
  path,
  digest,
  ...(cut === undefined ? {} : { package: cut.package })
})
