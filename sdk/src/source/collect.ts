import { lstat, readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { configNames } from "../config/findConfig.ts"
import { SourceInvalid } from "../errors.ts"
import { utf8Text } from "../utf8File.ts"
import type { Cut } from "../workspace/cutWorkspace.ts"
import { withoutScripts } from "../workspace/packageJson.ts"
import { ignoreRulesOf } from "./ignoreRules.ts"
import { isSecretFile, mayHoldCredentials, withoutCredentials } from "./secretFiles.ts"

/** A file of a snapshot. */
export interface Found {
  readonly path: string
  readonly size: number
  readonly mode: "644" | "755" | "link"
  /** The content to send instead of the file's own. */
  readonly content?: Buffer
}

export interface Collected {
  readonly found: ReadonlyArray<Found>
  /** Files left out only because they are secret by convention. */
  readonly leftOut: ReadonlyArray<string>
}

/** Names that every snapshot leaves out, whatever the ignore files say. */
const always: ReadonlySet<string> = new Set([".git", "node_modules", ".maxcloud"])
/** The app's config isn't part of a service: compilers would include it, and each change to it would create a new source. */
const configs: ReadonlySet<string> = new Set(configNames)

/** Whether every snapshot leaves out a path (relative to the source, separated by `/`). Call it for each part of a path in turn. */
export const isNeverSent = (path: string): boolean =>
  configs.has(path) || always.has(path.slice(path.lastIndexOf("/") + 1))

const largestUnpacked = 2 ** 30
const mostEntries = 100_000
/** Package managers' settings are small: a larger file is something else. */
const largestSettings = 2 ** 20

export const leaveOut = "exclude unneeded files with a .dockerignore or .gitignore"

/** Finds the snapshot's files in a folder, or in a cut of a workspace. */
const makeCollector = (root: string, signal: AbortSignal) => {
  const invalid = (detail: string) => new SourceInvalid({ folder: root, detail })
  const found = new Map<string, Found>()
  const leftOut = new Set<string>()
  let size = 0

  const put = (entry: Found) => {
    if (found.has(entry.path)) return
    found.set(entry.path, entry)
    size += entry.size
    if (found.size > mostEntries) throw invalid(`the source ${root} has more than ${mostEntries} files: ${leaveOut}`)
    if (size > largestUnpacked) throw invalid(`the source ${root} has more than 1 GiB: ${leaveOut}`)
  }

  const contentFor = async (path: string, size: number): Promise<Buffer | undefined> => {
    if (size > largestSettings) return undefined
    const kept = withoutCredentials(path, await readFile(join(root, path), "latin1"))
    if (kept === undefined) return undefined
    leftOut.add(`${path} (its credentials)`)
    return Buffer.from(kept, "latin1")
  }

  const addFile = async (path: string, isKept: () => boolean): Promise<void> => {
    const stats = await lstat(join(root, path))
    if (stats.isSymbolicLink()) return put({ path, size: stats.size, mode: "link" })
    if ((await isSecretFile(path, join(root, path))) && !isKept()) return void leftOut.add(path)
    const mode = stats.mode & 0o100 ? "755" : "644"
    const content = !mayHoldCredentials(path) || isKept() ? undefined : await contentFor(path, stats.size)
    put(content === undefined ? { path, size: stats.size, mode } : { path, size: content.length, mode, content })
  }

  /** If a name isn't UTF-8, Node replaces the invalid bytes and then can't find the file by that name. */
  const checkName = async (path: string): Promise<void> => {
    if (!path.includes("\uFFFD")) return
    const isThere = await lstat(join(root, path)).then(
      () => true,
      () => false
    )
    if (isThere) return
    const detail = `the name of ${JSON.stringify(path)} in ${root} isn't UTF-8: rename it, or exclude it with a .dockerignore or .gitignore`
    throw invalid(detail)
  }

  /** Everything below a folder (relative to the root) that its rules don't leave out. */
  const addFolder = async (base: string): Promise<void> => {
    const { enter, isIgnored, isKept } = await ignoreRulesOf(join(root, base))
    const walk = async (inside: string): Promise<void> => {
      for (const child of await readdir(join(root, base, inside), { withFileTypes: true })) {
        signal.throwIfAborted()
        const below = inside === "" ? child.name : `${inside}/${child.name}`
        if (isNeverSent(below) || isIgnored(below, child.isDirectory())) continue
        const path = base === "" ? below : `${base}/${below}`
        await checkName(path)
        if (child.isDirectory()) {
          await enter(below)
          await walk(below)
        } else if (child.isFile() || child.isSymbolicLink()) await addFile(path, () => isKept(below))
      }
    }
    await walk("")
  }

  /** The part of a left-out package that package managers check against the lockfile. */
  const addAbsent = async (folder: string): Promise<void> => {
    const path = `${folder}/package.json`
    const content = Buffer.from(withoutScripts(await utf8Text(join(root, path))))
    put({ path, size: content.length, mode: "644", content })
  }

  return {
    addAbsent,
    addFile,
    addFolder,
    collected: (): Collected => ({ found: [...found.values()], leftOut: [...leftOut] })
  }
}

export const collectFolder = async (folder: string, signal: AbortSignal): Promise<Collected> => {
  const { addFolder, collected } = makeCollector(folder, signal)
  await addFolder("")
  return collected()
}

export const collectCut = async (cut: Cut, signal: AbortSignal): Promise<Collected> => {
  const { addAbsent, addFile, addFolder, collected } = makeCollector(cut.root, signal)
  for (const folder of cut.folders) await addFolder(folder)
  for (const file of cut.files) await addFile(file, () => false)
  for (const folder of cut.absent) await addAbsent(folder)
  return collected()
}
