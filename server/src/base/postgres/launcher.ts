import type { SpawnOptions } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname } from "node:path"
import { DatabaseError } from "./DatabaseError.ts"
import { installedPrograms, mayEnter, programsFor, type User } from "./programs.ts"

/** How to run a program of Postgres: Postgres refuses to run as root. */
export interface Launcher {
  readonly bin: string
  /** The user that Postgres runs as and that owns its files, if it isn't ours. */
  readonly owner: User | undefined
  /** Spawn options for a program that works in the folder `data`. */
  readonly options: (data: string) => Pick<SpawnOptions, "uid" | "gid" | "cwd">
  /** The program's name for its working folder. */
  readonly nameOf: (data: string) => string
}

/** As root: the folder's owner if that isn't root, or else the user `postgres` or `nobody`. */
const unprivilegedUser = (folder: string): User => {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((text) => text.split(":"))
  const { gid, uid } = statSync(folder)
  if (uid !== 0) return { name: users.find((user) => Number(user[2]) === uid)?.[0] ?? String(uid), uid, gid }
  for (const name of ["postgres", "nobody"]) {
    const entry = users.find((user) => user[0] === name)
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new DatabaseError({
    reason: "permission",
    message:
      "Postgres doesn't run as root, and this machine has no user `postgres` or `nobody` to run it as. Start the server as another user, or set DATABASE_URL."
  })
}

/**
 * As root, Postgres runs as its folder's owner, or in a new folder as `postgres`, or else `nobody`. If a folder on the
 * path to its data (such as `/root`) is closed to that user, Postgres starts inside the data folder, under a name that
 * doesn't lead through the closed one.
 */
export const makeLauncher = (folder: string): Launcher => {
  const native = installedPrograms()
  if (process.getuid?.() !== 0) {
    const bin = programsFor(native, undefined, [folder])
    return { bin, owner: undefined, options: (cwd) => ({ cwd }), nameOf: (data) => data }
  }
  const owner = unprivilegedUser(folder)
  const closed = !mayEnter(dirname(folder), owner)
  if (closed && process.platform !== "linux") {
    throw new DatabaseError({
      reason: "permission",
      message: `Postgres doesn't run as root, and the user \`${owner.name}\` can't enter ${dirname(folder)}. Start the server as another user, choose a data folder that others can enter, or set DATABASE_URL.`
    })
  }
  return {
    bin: programsFor(native, owner, ["/var/cache", dirname(folder), "/var/tmp", tmpdir()]),
    owner,
    options: (cwd) => ({ uid: owner.uid, gid: owner.gid, cwd }),
    nameOf: (data) => (closed ? "/proc/self/cwd" : data)
  }
}
