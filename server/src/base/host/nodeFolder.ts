import { randomBytes } from "node:crypto"
import { chmod, copyFile, link, mkdir, rename, rm, stat, symlink, utimes } from "node:fs/promises"
import { dirname, join } from "node:path"
import { closedTo, type UnprivilegedUser } from "./sourceUser.ts"

/** Another part of the server was faster. */
const unlessThere = (cause: NodeJS.ErrnoException) => {
  if (cause.code !== "EEXIST") throw cause
}

/**
 * A folder that contains only `node`, the one that runs the server: first on the PATH of every instance, without its
 * neighbours (an older npm, a package manager). If `user` can't access the server's own, it's a hard link or a copy.
 */
export const nodeFolder = async (dataDirectory: string, user?: UnprivilegedUser): Promise<string> => {
  const folder = join(dataDirectory, "node", process.version)
  const node = join(folder, "node")
  await mkdir(folder, { recursive: true })
  if (user !== undefined) {
    // Others may traverse the data folder, but not list it.
    await chmod(dataDirectory, 0o711)
    for (const open of [dirname(folder), folder]) await chmod(open, 0o755)
  }
  if (user !== undefined && closedTo(user, process.execPath) !== undefined) {
    // The same file, or an unchanged copy from an earlier start.
    const [own, there] = await Promise.all([stat(process.execPath), stat(node).catch(() => undefined)])
    const isCopy = there?.size === own.size && Math.trunc(there.mtimeMs) === Math.trunc(own.mtimeMs)
    if (there?.ino === own.ino || isCopy) return folder
    const beside = `${node}.${randomBytes(4).toString("hex")}`
    await link(process.execPath, beside).catch(async () => {
      await copyFile(process.execPath, beside)
      await utimes(beside, own.atime, own.mtime)
    })
    await rename(beside, node)
    return folder
  }
  await rm(node, { force: true })
  await symlink(process.execPath, node).catch(unlessThere)
  return folder
}
