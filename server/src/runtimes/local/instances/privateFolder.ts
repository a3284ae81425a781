import { chmodSync, lchownSync, lstatSync, mkdirSync, rmdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { emptyAs, type UnprivilegedUser } from "../../../base/host/sourceUser.ts"

const checkOwned = (folder: string, user?: UnprivilegedUser): void => {
  const found = lstatSync(folder)
  if (!found.isDirectory() || (process.getuid && ![process.getuid(), user?.uid].includes(found.uid)))
    throw new Error(`${folder} belongs to somebody else`)
}

/**
 * Makes the folder `id` in `root`, closed to all others. Fails if somebody else has made it before us, as could happen in a shared
 * temporary folder. With `user` (as root), it belongs to that user. Synchronous like its removal, because the last removal removes `root`
 * too.
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

/** Removes the folder `id`, and `root` with the last one. What `user` has written in it is removed by that user's hand. */
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
    // Others are in it still, or none ever was.
  }
}
