import { createReadStream, createWriteStream } from "node:fs"
import { mkdir, readdir, stat } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { errorCode } from "../../base/node/errorCode.ts"
import { BackupError } from "./BackupError.ts"

/**
 * The backed-up parts of the data folder: source archives (unpacked copies are made again) and log lines. Never the
 * database's own files or any key.
 */
export const roots = ["sources", "logs", "cluster-logs"] as const

const isKept = (path: string) => /^sources\/[^/]+\/archives\/|^(logs|cluster-logs)\//.test(path)

const orGone =
  <A>(other: A) =>
  (error: unknown) => {
    if (errorCode(error) === "ENOENT") return other
    throw error
  }

/** Paths of all kept files below the data folder, with `/`. */
export async function* keptFiles(dataDir: string, folder = ""): AsyncGenerator<string> {
  const found = await readdir(join(dataDir, folder), { withFileTypes: true }).catch(orGone([]))
  for (const { name, ...entry } of found
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map((each) => ({
      name: each.name,
      isFile: each.isFile(),
      isFolder: each.isDirectory()
    }))) {
    if (folder === "" && !roots.some((root) => root === name)) continue
    const path = folder === "" ? name : `${folder}/${name}`
    if (entry.isFolder && !/^sources\/[^/]+\/(?!archives$)[^/]+$/.test(path)) yield* keptFiles(dataDir, path)
    if (entry.isFile && isKept(path)) yield path
  }
}

/** A file up to its present length; empty if it was deleted. */
export async function* contentOf(dataDir: string, path: string): AsyncGenerator<Uint8Array> {
  const file = join(dataDir, path)
  const size = await stat(file).then((found) => found.size, orGone(0))
  if (size === 0) return
  try {
    yield* createReadStream(file, { end: size - 1 })
  } catch (error) {
    orGone(undefined)(error)
  }
}

/** Writes a file from a backup into a data folder, and nowhere else. */
export const restoreFile = async (dataDir: string, path: string, data: AsyncIterable<Uint8Array>): Promise<void> => {
  if (!isKept(path) || path.split("/").some((part) => part === "" || part === "." || part === "..")) {
    throw new BackupError({ reason: "file", message: `The backup contains a file that doesn't belong there: ${path}.` })
  }
  const file = join(dataDir, path)
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await pipeline(Readable.from(data), createWriteStream(file, { flags: "wx", mode: 0o600, flush: true }))
}

/** The non-empty folders that a restore would write to. */
export const occupied = async (dataDir: string): Promise<ReadonlyArray<string>> => {
  const found = []
  for (const root of roots) {
    const entries = await readdir(join(dataDir, root)).catch(orGone([]))
    if (entries.length > 0) found.push(join(dataDir, root))
  }
  return found
}
