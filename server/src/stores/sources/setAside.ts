import { chmod, lstat, mkdir, readdir, rename } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { removeTree } from "../../base/host/removeTree.ts"

/** How many damaged entries of an organization to keep, and for how long, so that somebody can investigate. */
const mostKept = 4
const keptDays = 14

const orGone = (cause: NodeJS.ErrnoException) => {
  if (cause.code !== "ENOENT") throw cause
  return undefined
}

/**
 * Moves a damaged file or tree into the folder `damaged`, where nobody uses it. Keeps only the newest of earlier ones.
 */
export const setAside = async (path: string, damaged: string): Promise<void> => {
  const found = await lstat(path).catch(orGone)
  if (found === undefined) return
  await mkdir(damaged, { recursive: true, mode: 0o700 })
  // Moving a folder into another requires the right to write to it.
  if (found.isDirectory()) await chmod(path, 0o700)
  const kind = basename(dirname(path))
  const time = new Date().toISOString().replaceAll(":", "-")
  await rename(path, join(damaged, `${time}-${kind}-${basename(path)}`)).catch(orGone)
  const names = (await readdir(damaged)).toSorted()
  for (const name of names.slice(0, Math.max(0, names.length - mostKept))) await removeTree(join(damaged, name))
}

/** Removes what was set aside two weeks ago. */
export const cleanDamaged = async (damaged: string, now = Date.now()): Promise<void> => {
  for (const name of (await readdir(damaged).catch(orGone)) ?? []) {
    const found = await lstat(join(damaged, name)).catch(orGone)
    // A rename changes the ctime of the renamed file.
    if (found !== undefined && now - found.ctimeMs > keptDays * 86_400_000) await removeTree(join(damaged, name))
  }
}
