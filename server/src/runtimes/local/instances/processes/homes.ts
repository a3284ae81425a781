import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { closedTo, type UnprivilegedUser } from "../../../../base/host/sourceUser.ts"
import { makePrivate, removePrivate } from "../privateFolder.ts"

/** How often to check that the folders of running instances still exist. */
const lookMs = 2_000

/**
 * Programs put sockets below TMPDIR, and some systems limit their paths to 103 bytes (`sun_path` of unix(7)). Leave the rest to
 * them.
 */
const longestHome = 64

/** Short, and of constant length: it doesn't depend on the length of a service's name. */
const nameOf = (id: string) => createHash("sha256").update(id).digest("hex").slice(0, 12)

/**
 * The folder in the data folder with its instances' private folders, which are their HOME and TMPDIR. In the system's temporary
 * folder if the data folder has a long path, or is closed to the instances' user.
 */
export const homesFolder = (dataDirectory: string, id: string, user?: UnprivilegedUser): string => {
  const own = join(dataDirectory, "homes")
  const isShort = Buffer.byteLength(join(own, nameOf(id))) <= longestHome
  if (isShort && (user === undefined || closedTo(user, dataDirectory) === undefined)) return own
  const isOpen = user === undefined || closedTo(user, tmpdir()) === undefined
  return join(isOpen ? tmpdir() : "/tmp", `maxcloud-${id}`)
}

/** The instances' private folders, recreated if somebody cleans the temporary folder while they run. */
export const makeHomes = (dataDirectory: string, id: string, user?: UnprivilegedUser) => {
  const root = homesFolder(dataDirectory, id, user)
  const live = new Set<string>()
  let timer: NodeJS.Timeout | undefined

  const pathOf = (instance: string) => join(root, nameOf(instance))
  const keep = () => {
    // Don't recreate anything in a removed data folder: the server is ending.
    if (!existsSync(dataDirectory)) return
    for (const instance of live) {
      if (existsSync(pathOf(instance))) continue
      try {
        makePrivate(root, nameOf(instance), user)
      } catch {
        // The disk is full, or another user's folder is in its place: the next check tries again, and the next start reports it.
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
    /** Created before they are needed. */
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
