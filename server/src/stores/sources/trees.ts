import { chmod, copyFile, link, lstat, mkdir, readdir, readlink, rename, symlink } from "node:fs/promises"
import { join } from "node:path"
import { exists } from "../../base/host/exists.ts"
import { removeTree } from "../../base/host/removeTree.ts"

/**
 * Makes all files and folders read-only, so that a snapshot stays what its digest says. With `open`, everybody who
 * reaches them may read and run what their owner may. Returns the size of the files.
 */
export const makeReadOnly = async (path: string, open: boolean): Promise<number> => {
  const found = await lstat(path)
  if (found.isSymbolicLink()) return 0
  let bytes = found.isDirectory() ? 0 : found.size
  if (found.isDirectory()) for (const name of await readdir(path)) bytes += await makeReadOnly(join(path, name), open)
  const mode = found.mode & 0o555
  await chmod(path, open ? mode | 0o444 | ((mode & 0o100) === 0 ? 0 : 0o111) : mode)
  return bytes
}

/**
 * Files inside `node_modules` that tools write again (a generated client, a list of installed packages). We copy them,
 * so that tools can.
 */
const isWritten = (name: string) => name.startsWith(".") && name !== ".bin" && name !== ".pnpm"

/** A second tree of the same files through hard links. Copies them if the disk doesn't support links. */
export const linkTree = async (source: string, target: string, copied = false): Promise<void> => {
  await mkdir(target)
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)]
    const copies = copied || isWritten(entry.name)
    if (entry.isDirectory()) await linkTree(from, to, copies)
    else if (entry.isSymbolicLink()) await symlink(await readlink(from), to)
    else if (copies) {
      await copyFile(from, to)
      await chmod(to, 0o644 | ((await lstat(from)).mode & 0o111))
    } else await link(from, to).catch(() => copyFile(from, to))
  }
}

/** Renames a finished tree into place. The first one wins, because both are the same. True if it was this one. */
export const publish = async (from: string, to: string): Promise<boolean> => {
  try {
    await rename(from, to)
    return true
  } catch (cause) {
    if (!(await exists(to))) throw cause
    await removeTree(from)
    return false
  }
}
