import type { Stats } from "node:fs"
import { lstat, readdir, readlink, realpath } from "node:fs/promises"
import { join, posix, sep } from "node:path"
import { decodeUtf8 } from "@maxcloud/config-schema/plain"
import { invalid } from "../model.ts"

/** An entry of an image's layer. */
export interface TreeEntry {
  /** Relative to the tree's root. */
  readonly path: string
  readonly kind: "file" | "folder" | "link"
  readonly mode: 0o644 | 0o755 | 0o777
  readonly bytes: number
  /** A file of this machine, or the content. undefined for folders and links. */
  readonly content: string | Buffer | undefined
  /** Only for a link. */
  readonly target?: string
}

export interface TreeLimits {
  readonly entries: number
  readonly bytes: number
}

const treeLimits: TreeLimits = { entries: 250_000, bytes: 8 * 2 ** 30 }

const longestPath = 4_096

export interface TreeOptions {
  readonly limits?: TreeLimits
  /** Entries to leave out, with everything inside them. */
  readonly leaveOut?: (path: string) => boolean
  /** New targets of links, by path. They may point into the base image. */
  readonly links?: ReadonlyMap<string, string>
  /** New contents of files, by path. */
  readonly contents?: ReadonlyMap<string, Buffer>
  /** Files of this machine to add, by path. */
  readonly added?: ReadonlyMap<string, string>
}

/** Sorted by the bytes of their paths, which doesn't depend on a language. */
export const sortedByBytes = <A extends { readonly path: string }>(all: ReadonlyArray<A>): ReadonlyArray<A> =>
  all
    .map((each) => [Buffer.from(each.path), each] as const)
    .sort(([a], [b]) => Buffer.compare(a, b))
    .map(([, each]) => each)

const quotedPath = (path: string) => JSON.stringify(path)

/** The name in UTF-8. Node would replace other bytes, and two files would get the same name. */
const nameOf = (name: Buffer, inside: string): string => {
  const decoded = decodeUtf8(name)
  if (!("text" in decoded))
    throw invalid(`A file name in ${quotedPath(inside)} of the built source isn't UTF-8. Rename the file.`)
  // OCI image-spec 1.1, "Whiteouts": such a file would delete another one.
  if (decoded.text.startsWith(".wh."))
    throw invalid(
      `${quotedPath(posix.join(inside, decoded.text))} in the built source: names that begin with ".wh." delete files in an image. Rename the file.`
    )
  return decoded.text
}

/** The target of a link, if it stays in the tree: as it's written, and when it's followed through other links. */
const targetOf = async (root: string, realRoot: string, path: string): Promise<string> => {
  const target = await readlink(join(root, path))
  const end = posix.join(posix.dirname(path), target)
  const real = await realpath(join(root, path)).catch(() => undefined)
  const leaves =
    target.startsWith("/") ||
    end === ".." ||
    end.startsWith("../") ||
    (real !== undefined && real !== realRoot && !real.startsWith(`${realRoot}${sep}`))
  if (leaves)
    throw invalid(
      `The link ${quotedPath(path)} in the built source points outside of it (${quotedPath(target)}). Remove the link, or copy its target.`
    )
  return target
}

const modeOf = ({ mode }: Stats) => ((mode & 0o111) === 0 ? 0o644 : 0o755)

/**
 * All entries of a folder, sorted by the bytes of their paths. Modes are reduced to executable or not; times and owners don't count. Refuses what
 * an image can't have: sockets, devices, links that leave the tree, names that aren't UTF-8.
 */
export const readTree = async (root: string, options: TreeOptions = {}): Promise<ReadonlyArray<TreeEntry>> => {
  const { added = new Map<string, string>(), contents, leaveOut = () => false, limits = treeLimits, links } = options
  const realRoot = await realpath(root)
  const entries: Array<TreeEntry> = []
  let bytes = 0
  const add = (entry: TreeEntry) => {
    bytes += entry.bytes
    if (bytes > limits.bytes)
      throw invalid(`The built source has more than ${Math.floor(limits.bytes / 2 ** 20)} MiB. Build less into it.`)
    if (entries.push(entry) > limits.entries)
      throw invalid(`The built source has more than ${limits.entries} files and folders. Build less into it.`)
  }
  const fileOf = (path: string, stats: Stats): TreeEntry => {
    const content = contents?.get(path)
    const size = content?.length ?? stats.size
    return { path, kind: "file", mode: modeOf(stats), bytes: size, content: content ?? join(root, path) }
  }
  const enter = async (inside: string): Promise<void> => {
    for (const each of await readdir(join(root, inside), { encoding: "buffer", withFileTypes: true })) {
      const path = posix.join(inside, nameOf(each.name, inside))
      if (leaveOut(path)) continue
      if (Buffer.byteLength(path) > longestPath)
        throw invalid(`A path in the built source is longer than ${longestPath} bytes: ${path.slice(0, 100)}…`)
      const stats = await lstat(join(root, path))
      if (stats.isDirectory()) {
        add({ path, kind: "folder", mode: 0o755, bytes: 0, content: undefined })
        await enter(path)
      } else if (stats.isSymbolicLink()) {
        const target = links?.get(path) ?? (await targetOf(root, realRoot, path))
        add({ path, kind: "link", mode: 0o777, bytes: 0, content: undefined, target })
      } else if (stats.isFile()) add(fileOf(path, stats))
      else
        throw invalid(
          `${quotedPath(path)} in the built source is a socket, a pipe or a device, which an image can't have. Build without it.`
        )
    }
  }
  await enter("")
  for (const [path, file] of added) add({ ...fileOf(path, await lstat(file)), content: file })
  const known = new Set(entries.map(({ path }) => path))
  for (const folder of foldersAbove(added.keys())) if (!known.has(folder.path)) add(folder)
  return sortedByBytes(entries)
}

/** The folders above these paths, as entries. */
export const foldersAbove = (paths: Iterable<string>): ReadonlyArray<TreeEntry> => {
  const found = new Set<string>()
  for (const path of paths)
    for (let at = posix.dirname(path); at !== "." && !found.has(at); at = posix.dirname(at)) found.add(at)
  return [...found].map((path) => ({ path, kind: "folder", mode: 0o755, bytes: 0, content: undefined }))
}
