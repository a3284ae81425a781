import { chmod, lstat, readdir, rm } from "node:fs/promises"
import { join } from "node:path"

/** Removes a tree, even if some of its folders are read-only. */
export const removeTree = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined) return
  if (found.isDirectory()) {
    await chmod(path, 0o700)
    for (const entry of await readdir(path, { withFileTypes: true }))
      if (entry.isDirectory()) await removeTree(join(path, entry.name))
  }
  await rm(path, { recursive: true, force: true })
}
