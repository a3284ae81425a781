import { chownSync, mkdirSync, statSync } from "node:fs"
import { DatabaseError } from "./DatabaseError.ts"
import type { Launcher } from "./launcher.ts"

/** Gives a path to the user that Postgres runs as. */
export const own = (path: string, launcher: Launcher) => {
  if (launcher.owner !== undefined) chownSync(path, launcher.owner.uid, launcher.owner.gid)
  return path
}

/** Creates a folder that Postgres owns. Refuses one that belongs to somebody else. */
export const ownFolder = (path: string, launcher: Launcher, dataDirectory: string) => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (statSync(path).uid !== process.getuid?.() && statSync(path).uid !== launcher.owner?.uid) {
    throw new DatabaseError({
      reason: "permission",
      message: `${path} belongs to another user of this machine (uid ${statSync(path).uid}). Start the server as that user, or as root; or give the whole data folder to this user: chown -R ${process.getuid?.()} ${dataDirectory}`
    })
  }
  return own(path, launcher)
}
