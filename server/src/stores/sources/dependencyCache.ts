import { randomBytes } from "node:crypto"
import { chmod, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { BuildHost } from "@maxcloud/builder"
import { exists } from "../../base/host/exists.ts"
import { removeTree } from "../../base/host/removeTree.ts"
import { setAside } from "./setAside.ts"
import { treeFault, writeTreeFiles } from "./treeFiles.ts"
import { linkTree, makeReadOnly, publish } from "./trees.ts"

/** The place of an organization's installed dependencies, and how a build may use them. */
export interface CachePlace {
  readonly dependencies: string
  /** The host's own folder for unfinished files. */
  readonly box: string
  /** The folder for damaged entries. */
  readonly damaged: string
  /** Are existing entries ignored, and replaced? */
  readonly fresh: boolean
  /** Can everybody who reaches a build read it? As root, builds run as another user, who can't write to linked files. */
  readonly open: boolean
}

/** A day's work on a project uses its dependencies again. A month later they have changed. */
const unusedDays = 14
const largestBytes = 10 * 2 ** 30
/** Longer than a build: an entry found by one stays until it has used it. */
const inUseMs = 3_600_000

/** The files beside each folder of the cache: the builder's note, its size in bytes, its list of files. */
export const dependencyNotes: ReadonlyArray<string> = ["json", "bytes", "files"]

/** A cache by keys: `<key>/`, read-only, and its notes. A folder's time is that of its last use. */
export const makeDependencyCache = ({ box, damaged, dependencies, fresh, open }: CachePlace): BuildHost["cache"] => {
  const at = (key: string) => join(dependencies, key)
  const putAway = async (key: string) => {
    await setAside(at(key), damaged)
    for (const ending of dependencyNotes) await rm(at(`${key}.${ending}`), { force: true })
  }
  return {
    find: async (key) => {
      if (fresh || !(await exists(at(key)))) return undefined
      // A build reads and writes as many files as these.
      if ((await treeFault(at(key), at(`${key}.files`), "whole")) !== undefined) {
        await putAway(key)
        return undefined
      }
      const now = new Date()
      await utimes(at(key), now, now)
      return at(key)
    },
    keep: async (key, folder, forBuild = false) => {
      const unfinished = join(box, `keep-${randomBytes(4).toString("hex")}`)
      const bytes = await makeReadOnly(folder, open)
      await chmod(folder, 0o755)
      await rename(folder, unfinished)
      if (fresh) await putAway(key)
      const files = join(box, "files")
      await writeTreeFiles(unfinished, files)
      const now = new Date()
      await utimes(unfinished, now, now)
      if (await publish(unfinished, at(key))) {
        await rename(files, at(`${key}.files`))
        await writeFile(at(`${key}.bytes`), String(bytes), { mode: 0o600 })
      }
      await linkTree(at(key), folder, forBuild && !open)
    },
    use: async (key, folder, forBuild = false) => {
      await removeTree(folder)
      // Tools copy files with their mode and write to the copies (Nitro). As root, the owner's right to write does no
      // harm (`lend`). Without root, the builder is the owner, so it gets copies.
      await linkTree(at(key), folder, forBuild && !open)
    },
    note: (key) => readFile(at(`${key}.json`), "utf8").catch(() => undefined),
    setNote: async (key, text) => {
      const beside = join(box, "note.json")
      await writeFile(beside, text, { mode: 0o600 })
      await rename(beside, at(`${key}.json`))
    }
  }
}

/**
 * Removes entries from an organization's cache: those that no build has used in two weeks, then the least recently used
 * until 10 GiB are left. Built sources don't need the cache, because their files are linked or copied. `unfinished`: a
 * folder that each start of the server empties. Returns how many.
 */
export const cleanDependencies = async (
  dependencies: string,
  unfinished: string,
  now = Date.now()
): Promise<number> => {
  const names = await readdir(dependencies).catch(() => [])
  const all = await Promise.all(
    names
      .filter((name) => !name.includes("."))
      .map(async (key) => ({
        key,
        usedAt: (await stat(join(dependencies, key))).mtimeMs,
        bytes: Number(await readFile(join(dependencies, `${key}.bytes`), "utf8").catch(() => "0"))
      }))
  )
  let bytes = 0
  let removed = 0
  for (const one of all.sort((a, b) => b.usedAt - a.usedAt)) {
    const idle = now - one.usedAt
    bytes += one.bytes
    if (idle < inUseMs || (idle <= unusedDays * 86_400_000 && bytes <= largestBytes)) continue
    // Moved away in one step, so that nobody finds half of it.
    const gone = join(unfinished, `gone-${randomBytes(8).toString("hex")}`)
    await rename(join(dependencies, one.key), gone)
    for (const ending of dependencyNotes) await rm(join(dependencies, `${one.key}.${ending}`), { force: true })
    await removeTree(gone)
    bytes -= one.bytes
    removed++
  }
  return removed
}
