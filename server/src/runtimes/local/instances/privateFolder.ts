import { chmodSync, lchownSync, lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { emptyAs, type UnprivilegedUser } from "../../../base/host/sourceUser.ts"

const checkOwned = (folder: string, user?: UnprivilegedUser): void => {
  const found = lstatSync(folder)
  if (!found.isDirectory() || (process.getuid && ![process.getuid(), user?.uid].includes(found.uid)))
    throw new Error(`${folder} belongs to somebody else`)
}

/**
 * Creates the folder `id` in `root`, closed to everybody else. Fails if somebody else has created it before, as could happen in a
 * shared temporary folder. With `user` (as root), it belongs to that user. Synchronous like its removal, because the last removal
 * removes `root` too.
 */
export const makePrivate = (root: string, id: string, user?: UnprivilegedUser): string => {
  const folder = join(root, id)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  checkOwned(root)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkOwned(folder, user)
  if (user !== undefined) {
    chmodSync(root, 0o711)
    lchownSync(folder, user.uid, user.gid)
  }
  return folder
}

/** Removes the folder `id`, and `root` with the last one. Files written by `user` are removed as that user. */
export const removePrivate = (root: string, id: string, user?: UnprivilegedUser): void => {
  try {
    const folder = join(root, id)
    if (user === undefined) rmSync(folder, { recursive: true, force: true })
    else {
      emptyAs(user, folder)
      rmdirSync(folder)
    }
    rmdirSync(root)
  } catch {
    // It still contains others, or never existed.
  }
}
