import { lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs"
import { join } from "node:path"

const checkOwned = (folder: string): void => {
  const found = lstatSync(folder)
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid()))
    throw new Error(`${folder} belongs to somebody else`)
}

/**
 * Makes the folder `id` in `root`, closed to all others. In a shared temporary folder nobody else may have made it ours
 * before us. Synchronous as its removal is, for the last removal takes `root` away too.
 */
export const makePrivate = (root: string, id: string): string => {
  const folder = join(root, id)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  checkOwned(root)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkOwned(folder)
  return folder
}

/** Removes the folder `id`, and `root` with the last one. */
export const removePrivate = (root: string, id: string): void => {
  try {
    rmSync(join(root, id), { recursive: true, force: true })
    rmdirSync(root)
  } catch {
    // Others are in it still, or none ever was.
  }
}
