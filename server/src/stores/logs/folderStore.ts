import { randomUUID } from "node:crypto"
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { errorCode } from "../../base/node/errorCode.ts"
import type { ObjectStore } from "./ObjectStore.ts"

const missing = (cause: unknown): boolean => errorCode(cause) === "ENOENT"

const orMissing = (cause: unknown): undefined => {
  if (missing(cause)) return undefined
  throw cause
}

/** Prefix of files being written. If a kill leaves one, it isn't a chunk. */
const unfinished = ".writing-"

/** Objects as files of a folder. */
export const folderStore = (directory: string): ObjectStore => ({
  place: directory,
  put: async (key, bytes) => {
    const path = join(directory, key)
    const written = join(dirname(path), `${unfinished}${randomUUID()}`)
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(written, "wx", 0o600)
    try {
      await file.writeFile(bytes)
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(written, path)
  },
  get: (key) => readFile(join(directory, key)).catch(orMissing),
  list: async (folder, startAfter = "") => {
    const entries = (await readdir(join(directory, folder), { withFileTypes: true }).catch(orMissing)) ?? []
    const names = (folders: boolean) =>
      entries.filter((entry) => entry.isDirectory() === folders).map((entry) => entry.name)
    return {
      files: names(false)
        .filter((name) => !name.startsWith(unfinished) && name > startAfter)
        .sort(),
      folders: names(true).sort()
    }
  },
  delete: async (key) => {
    const path = join(directory, key)
    await rm(path, { force: true })
    // Only removes an empty folder.
    await rmdir(dirname(path)).catch(() => undefined)
  },
  deleteAll: (folder) => rm(join(directory, folder), { recursive: true, force: true }),
  close: () => Promise.resolve()
})
