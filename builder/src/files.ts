import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises"
import { dirname, join, relative, sep } from "node:path"
import { decodeUtf8, utf8Fix, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
import { invalid } from "./model.ts"

/** The largest lockfiles have several megabytes. */
const largestText = 64 * 2 ** 20

const readBytes = async (folder: string, name: string): Promise<Buffer | undefined> => {
  const found = await stat(join(folder, name)).catch(() => undefined)
  if (found?.isFile() !== true || found.size > largestText) return undefined
  return readFile(join(folder, name))
}

/**
 * For files that are only searched, whatever their encoding. undefined if the file doesn't exist, or is too large for a file that
 * describes a build.
 */
export const readText = async (folder: string, name: string): Promise<string | undefined> =>
  (await readBytes(folder, name))?.toString("utf8")

/** The same for files whose texts become commands or values of the build: they must be UTF-8. */
export const readExactText = async (folder: string, name: string, shown = name): Promise<string | undefined> => {
  const bytes = await readBytes(folder, name)
  if (bytes === undefined) return undefined
  const decoded = decodeUtf8(bytes)
  if ("text" in decoded) return withoutByteOrderMark(decoded.text)
  const { fault } = decoded
  const what = fault.isUtf16 ? "is UTF-16" : `isn't UTF-8 in line ${fault.line}`
  throw invalid(`The ${shown} of the source ${what}. C${utf8Fix(fault).slice(1)}.`)
}

export const isFile = (...path: ReadonlyArray<string>): Promise<boolean> =>
  stat(join(...path)).then(
    (found) => found.isFile(),
    () => false
  )

export const isFolder = (...path: ReadonlyArray<string>): Promise<boolean> =>
  stat(join(...path)).then(
    (found) => found.isDirectory(),
    () => false
  )

export const namesIn = (folder: string): Promise<ReadonlyArray<string>> => readdir(folder).catch(() => [])

/** The first of these files that exists. */
export const firstFile = async (folder: string, names: ReadonlyArray<string>): Promise<string | undefined> => {
  for (const name of names) if (await isFile(folder, name)) return name
  return undefined
}

/** Whether the path from `root` to the entry has only real folders. A build can turn any of them into a link to elsewhere. */
export const isInside = async (root: string, path: string): Promise<boolean> => {
  const way = relative(root, dirname(path))
  if (way.split(sep)[0] === "..") return false
  const [realRoot, realParent] = await Promise.all([realpath(root), realpath(dirname(path)).catch(() => undefined)])
  return realParent !== undefined && realParent === join(realRoot, way)
}

/** Every file of a tree, as relative paths, without links. */
export async function* filesOf(root: string, inside = ""): AsyncGenerator<string> {
  for (const entry of await readdir(join(root, inside), { withFileTypes: true })) {
    const path = inside === "" ? entry.name : `${inside}${sep}${entry.name}`
    if (entry.isDirectory()) yield* filesOf(root, path)
    else if (entry.isFile()) yield path
  }
}

export const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false
  )
