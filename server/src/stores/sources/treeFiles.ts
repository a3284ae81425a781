import { createHash, hash } from "node:crypto"
import { createReadStream, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { Option, Schema } from "effect"
import { errorCode } from "../../base/node/errorCode.ts"

/**
 * How closely to check a tree. `quick`: names, kinds, sizes, times of change, and the content of files with a changed
 * time; about 6 ms for a thousand files. `whole`: the content of all files, which finds changes by a faulty disk.
 */
export type Depth = "quick" | "whole"

/**
 * Path, size, time of the last change in epoch milliseconds, and content: the SHA-256 of a file, the target of a link,
 * empty for a folder.
 */
const Line = Schema.parseJson(
  Schema.Tuple(Schema.String, Schema.Literal("file", "link", "folder"), Schema.Number, Schema.Number, Schema.String)
)
type Line = typeof Line.Type
const decodeLine = Schema.decodeUnknownOption(Line)

const largeBytes = 2 ** 20
const sliceMs = 4

/** Errors that mean damage or loss. Others (no descriptors left) say nothing about the disk's content. */
const damageCodes = new Set([
  "EACCES",
  "EBADMSG",
  "EIO",
  "EISDIR",
  "ELOOP",
  "ENOENT",
  "ENOTDIR",
  "EPERM",
  "EUCLEAN",
  "EINVAL"
])
export const damageCode = (cause: unknown): string | undefined => {
  const code = errorCode(cause)
  return code !== undefined && damageCodes.has(code) ? code : undefined
}

/**
 * Lets other work run after a few milliseconds of this one. Node's promises take five times as long for a small file as
 * its synchronous calls, and the start of an instance waits.
 */
const makePause = () => {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < sliceMs) return
    await new Promise((resolve) => setImmediate(resolve))
    since = performance.now()
  }
}

const contentOf = async (path: string, size: number): Promise<string> => {
  if (size <= largeBytes) return hash("sha256", readFileSync(path), "hex")
  const content = createHash("sha256")
  for await (const chunk of createReadStream(path)) content.update(chunk)
  return content.digest("hex")
}

interface Found {
  readonly path: string
  readonly kind: Line[1] | "other"
  readonly size: number
  readonly mtimeMs: number
}

/** Everything below a folder, in no order. */
async function* walk(root: string): AsyncGenerator<Found> {
  const pause = makePause()
  const waiting = [""]
  for (let inside = waiting.pop(); inside !== undefined; inside = waiting.pop()) {
    for (const entry of readdirSync(join(root, inside), { withFileTypes: true })) {
      const path = inside === "" ? entry.name : `${inside}/${entry.name}`
      if (entry.isDirectory()) {
        waiting.push(path)
        yield { path, kind: "folder", size: 0, mtimeMs: 0 }
      } else {
        const { mtimeMs, size } = lstatSync(join(root, path))
        yield { path, kind: entry.isFile() ? "file" : entry.isSymbolicLink() ? "link" : "other", size, mtimeMs }
      }
      await pause()
    }
  }
}

/** The first line is the digest of everything that follows, and of `also`: a text that belongs to the tree. */
const sumOf = (body: string, also: string) => createHash("sha256").update(body).update("\0").update(also).digest("hex")

/** Lists the tree in `root` in `file`, for `treeFault`. */
export const writeTreeFiles = async (root: string, file: string, also = ""): Promise<void> => {
  const lines: Array<string> = []
  for await (const { kind, mtimeMs, path, size } of walk(root)) {
    if (kind === "other") continue
    const at = join(root, path)
    const content = kind === "file" ? await contentOf(at, size) : kind === "link" ? readlinkSync(at) : ""
    lines.push(JSON.stringify([path, kind, size, mtimeMs, content]))
  }
  const body = lines.join("\n")
  await writeFile(file, `${sumOf(body, also)}\n${body}`, { mode: 0o600 })
}

const readLines = async (file: string, also: string): Promise<ReadonlyMap<string, Line> | undefined> => {
  const text = await readFile(file, "utf8")
  const end = text.indexOf("\n")
  const body = text.slice(end + 1)
  if (end === -1 || text.slice(0, end) !== sumOf(body, also)) return undefined
  const known = new Map<string, Line>()
  const pause = makePause()
  for (const written of body === "" ? [] : body.split("\n")) {
    const line = Option.getOrUndefined(decodeLine(written))
    if (line === undefined) return undefined
    known.set(line[0], line)
    await pause()
  }
  return known
}

const faultOf = async (root: string, found: Found, line: Line | undefined, depth: Depth) => {
  const { kind, mtimeMs, path, size } = found
  if (line === undefined) return kind === "other" ? undefined : `${path} doesn't belong there`
  const [, wasKind, wasSize, wasTime, content] = line
  if (kind !== wasKind) return `${path} is no longer a ${wasKind}`
  if (kind === "link" && readlinkSync(join(root, path)) !== content) return `${path} points elsewhere`
  if (kind !== "file") return undefined
  if (size !== wasSize) return `${path} has ${size} bytes instead of ${wasSize}`
  if (depth === "quick" && mtimeMs === wasTime) return undefined
  return (await contentOf(join(root, path), size)) === content ? undefined : `${path} has different content`
}

/**
 * The fault of the tree in `root`, compared with the list that `writeTreeFiles` wrote to `file`; undefined if it's
 * unchanged.
 */
export const treeFault = async (root: string, file: string, depth: Depth, also = ""): Promise<string | undefined> => {
  try {
    const known = await readLines(file, also)
    if (known === undefined) return "the list of its files is damaged"
    let count = 0
    for await (const found of walk(root)) {
      const line = known.get(found.path)
      if (line !== undefined) count++
      const fault = await faultOf(root, found, line, depth)
      if (fault !== undefined) return fault
    }
    return count === known.size ? undefined : `${known.size - count} of its ${known.size} files are missing`
  } catch (cause) {
    const code = damageCode(cause)
    if (code === undefined) throw cause
    return `it can't be read (${code})`
  }
}
