import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { closedTo, type UnprivilegedUser } from "../../../../base/host/sourceUser.ts"
import { makePrivate, removePrivate } from "../privateFolder.ts"

/** How often to check that the folders of running instances still exist. */
const lookMs = 2_000

/** Programs put sockets below TMPDIR, whose paths are limited to 103 bytes on some systems (`sun_path` of unix(7)). We leave the rest to them. */
const longestHome = 64

/** Short, and of constant length: it doesn't depend on the length of a service's name. */
const nameOf = (id: string) => createHash("sha256").update(id).digest("hex").slice(0, 12)

/**
 * The folder of the data folder that holds its instances' private folders, which are their HOME and TMPDIR. In the system's temporary folder
 * if the data folder has a long path, or is closed to the user that the instances run as.
 */
export const homesFolder = (dataDirectory: string, id: string, user?: UnprivilegedUser): string => {
  const own = join(dataDirectory, "homes")
  const isShort = Buffer.byteLength(join(own, nameOf(id))) <= longestHome
  if (isShort && (user === undefined || closedTo(user, dataDirectory) === undefined)) return own
  const isOpen = user === undefined || closedTo(user, tmpdir()) === undefined
  return join(isOpen ? tmpdir() : "/tmp", `maxcloud-${id}`)
}

/** The private folders of instances: there for as long as the instance is, though somebody cleans the temporary folder meanwhile. */
export const makeHomes = (dataDirectory: string, id: string, user?: UnprivilegedUser) => {
  const root = homesFolder(dataDirectory, id, user)
  const live = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const pathOf = (instance: string) => join(root, nameOf(instance))
  const keep = () => {
    // In a data folder that was removed nothing is made: the server ends.
    if (!existsSync(dataDirectory)) return
    for (const instance of live) {
      if (existsSync(pathOf(instance))) continue
      try {
        makePrivate(root, nameOf(instance), user)
      } catch {
        // The disk is full, or another's folder is in its place: the next look tries again, and the next start tells.
      }
    }
  }

  return {
    root,
    make: (instance: string): string => {
      const path = makePrivate(root, nameOf(instance), user)
      live.add(instance)
      timer ??= setInterval(keep, lookMs).unref()
      return path
    },
    /** Before somebody needs them. */
    keep,
    remove: (instance: string): void => {
      live.delete(instance)
      if (live.size === 0) {
        clearInterval(timer)
        timer = undefined
      }
      removePrivate(root, nameOf(instance), user)
    }
  }
}
