import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { lstat, readdir, readFile, readlink } from "node:fs/promises"
import { join, posix } from "node:path"
import { pipeline as pipelineOf, Readable, Transform } from "node:stream"
import { createGzip } from "node:zlib"
import { SourceDigest } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { SourceInvalid } from "./errors.ts"
import { ignoreRulesOf } from "./ignoreRules.ts"
import { tarEnd, tarHeader, tarPadding } from "./tar.ts"

interface Entry {
  readonly path: string
  readonly mode: "644" | "755" | "link"
  readonly bytes: number
  /** Hex SHA-256 of the content, or of the link's target. */
  readonly sha256: string
  /** Only of a link. */
  readonly target?: string
}

/**
 * The content of a folder at one moment, named by its digest: SHA-256 over `<644 | 755 | link>\0<path>\0<hex SHA-256 of the content,
 * or of the link's target>\n` for each file and link, sorted by the bytes of their paths. The archive's own bytes do not count, so that
 * a server can check it by what it unpacks.
 */
export interface Snapshot {
  readonly folder: string
  readonly digest: SourceDigest
  readonly files: number
  /** Unpacked. */
  readonly bytes: number
  /** A gzipped tar, made anew by each call in constant memory. It fails where a file is no longer what the digest says. */
  readonly archive: () => Readable
}

const always = new Set([".git", "node_modules", ".maxcloud"])
const largestUnpacked = 2 ** 30
const largestArchive = 256 * 2 ** 20
const mostEntries = 100_000

const leaveOut = "leave out what it does not need by a .dockerignore or .gitignore"

/** Files up to this size are read whole: a stream for each of thousands of small ones costs more than their content. */
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

/** Runs `use` on all, eight at a time, and keeps their order. */
const eightAtATime = async <A, B>(items: ReadonlyArray<A>, use: (item: A) => Promise<B>): Promise<ReadonlyArray<B>> => {
  const results: Array<B> = []
  for (let at = 0; at < items.length; at += 8) results.push(...(await Promise.all(items.slice(at, at + 8).map(use))))
  return results
}

const byBytes = (a: { path: string }, b: { path: string }) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))

const reason = (error: unknown) => (error instanceof Error ? error.message : String(error))

const makeSnapshot = async (folder: string, signal: AbortSignal): Promise<Snapshot> => {
  const invalid = (detail: string) => new SourceInvalid({ folder, detail })
  const stats = await lstat(folder).catch(() => undefined)
  if (stats === undefined) throw invalid(`the source folder ${folder} does not exist: create it, or correct \`source\``)
  if (stats.isSymbolicLink()) throw invalid(`the source folder ${folder} is a link: name the folder that it leads to`)
  if (!stats.isDirectory()) throw invalid(`the source ${folder} is no folder: name the folder with the program in it`)

  const { enter, isIgnored } = await ignoreRulesOf(folder)
  const found: Array<{ path: string; size: number; mode: "644" | "755" | "link" }> = []
  let size = 0
  const walk = async (inside: string): Promise<void> => {
    for (const child of await readdir(join(folder, inside), { withFileTypes: true })) {
      signal.throwIfAborted()
      const path = inside === "" ? child.name : `${inside}/${child.name}`
      if (always.has(child.name) || isIgnored(path, child.isDirectory())) continue
      if (child.isDirectory()) {
        await enter(path)
        await walk(path)
        continue
      }
      if (!child.isFile() && !child.isSymbolicLink()) continue
      const stats = await lstat(join(folder, path))
      found.push({ path, size: stats.size, mode: child.isSymbolicLink() ? "link" : stats.mode & 0o100 ? "755" : "644" })
      size += stats.size
      if (found.length > mostEntries) {
        throw invalid(`the source ${folder} has more than ${mostEntries} files: ${leaveOut}`)
      }
      if (size > largestUnpacked) throw invalid(`the source ${folder} has more than 1 GiB: ${leaveOut}`)
    }
  }
  await walk("")
  if (found.length === 0) {
    throw invalid(`the source ${folder} holds no file (besides those left out by .dockerignore or .gitignore)`)
  }

  const entries = await eightAtATime(found.sort(byBytes), async ({ mode, path, size }): Promise<Entry> => {
    signal.throwIfAborted()
    if (mode !== "link") return { path, mode, ...(await hashOfFile(join(folder, path), size)) }
    const target = await readlink(join(folder, path))
    const end = posix.join(posix.dirname(path), target)
    if (target.startsWith("/") || end === ".." || end.startsWith("../")) {
      throw invalid(
        `the link ${path} in ${folder} leads outside of it (${target}): leave it out, or copy what it names`
      )
    }
    return { path, mode, bytes: 0, sha256: createHash("sha256").update(target).digest("hex"), target }
  })

  const hash = createHash("sha256")
  for (const { mode, path, sha256 } of entries) hash.update(`${mode}\0${path}\0${sha256}\n`)
  return {
    folder,
    digest: SourceDigest.make(`sha256:${hash.digest("hex")}`),
    files: entries.length,
    bytes: entries.reduce((sum, _) => sum + _.bytes, 0),
    archive: () => archiveOf(folder, entries)
  }
}

async function* tarOf(folder: string, entries: ReadonlyArray<Entry>): AsyncGenerator<Buffer> {
  for (const { bytes, mode, path, sha256, target } of entries) {
    if (target !== undefined) {
      yield tarHeader({ path, mode: 0o777, bytes: 0, target })
      continue
    }
    yield tarHeader({ path, mode: mode === "755" ? 0o755 : 0o644, bytes })
    const changed = new SourceInvalid({ folder, detail: `${path} in ${folder} changed while it was read: try again` })
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
      done(new SourceInvalid({ folder, detail: `the source ${folder} has more than 256 MiB packed: ${leaveOut}` }))
    }
  })
  // The error of any part destroys the last one, where the reader meets it.
  pipelineOf(Readable.from(tarOf(folder, entries)), createGzip({ level: 3, chunkSize: smallBytes }), bounded, () => {})
  return bounded
}

/**
 * Reads `folder` (absolute) once, for its digest. Left out are `.git`, `node_modules`, `.maxcloud`, and what `.dockerignore` names, or
 * `.gitignore` where there is none. At most 1 GiB, 256 MiB packed, 100,000 files.
 */
export const snapshotOf = (folder: string): Effect.Effect<Snapshot, SourceInvalid> =>
  Effect.tryPromise({
    try: (signal) => makeSnapshot(folder, signal),
    catch: (error) =>
      error instanceof SourceInvalid
        ? error
        : new SourceInvalid({ folder, detail: `the source ${folder} cannot be read: ${reason(error)}` })
  })
