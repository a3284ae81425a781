import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { trying } from "../node/guarded.ts"
import { hostEnvironment } from "./hostEnvironment.ts"
import { startProgram } from "./startProgram.ts"
import { systemFaultOf } from "./systemFault.ts"
import { takeClaim } from "./takeClaim.ts"

/** A user without a name, a home or files. Its group has the same number. */
export interface UnprivilegedUser {
  readonly uid: number
  readonly gid: number
}

/** The users that a root server runs sources as: one for its services, and one for each concurrent installation. */
export interface SourceUsers {
  readonly service: UnprivilegedUser
  readonly installers: ReadonlyArray<UnprivilegedUser>
}

// systemd lists 60578 to 61183 as unused (uid ranges of systemd). They belong to no people or packages (Debian policy
// 9.2.2), and a user namespace of 65536 users contains them.
const lowest = 60_580
const blockSize = 10
const blocks = 60

const userOf = (uid: number): UnprivilegedUser => ({ uid, gid: uid })
const usersOf = (base: number): SourceUsers => ({
  service: userOf(base),
  installers: Array.from({ length: blockSize - 1 }, (_, at) => userOf(base + 1 + at))
})

const usersInUse = (): ReadonlySet<number> => {
  const users = new Set<number>()
  const passwd = existsSync("/etc/passwd") ? readFileSync("/etc/passwd", "utf8") : ""
  for (const line of passwd.split("\n")) users.add(Number(line.split(":")[2]))
  for (const name of existsSync("/proc") ? readdirSync("/proc") : []) {
    const found = /^\d+$/.test(name) ? statSync(`/proc/${name}`, { throwIfNoEntry: false }) : undefined
    if (found !== undefined) users.add(found.uid)
  }
  return users
}

/** Is the server that claimed them still running? Root may signal any process. */
const isLive = (claim: string): boolean => {
  const [folder = "", inode, pid] = claim.split("\n")
  if (statSync(join(folder, "data-directory-id"), { throwIfNoEntry: false })?.ino !== Number(inode)) return false
  return existsSync(`/proc/${pid}`) || !existsSync("/proc")
}

/** Claims are kept until the next boot, when no such process exists any more either. */
const claimsFolder = (): string => {
  const places = ["/run", "/var/run", tmpdir()].filter((place) => existsSync(place))
  for (const place of places) {
    const folder = join(place, "maxcloud-source-users")
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const found = lstatSync(folder)
      if (found.isDirectory() && found.uid === 0) return folder
    } catch {
      // Read-only, as in a container: try the next one.
    }
  }
  throw new Error(
    `Sources can't run as a user of their own: couldn't create root's folder maxcloud-source-users in ${places.join(", ")}. Start the server as a user other than root.`
  )
}

/** Claims ten numbers that no other server on this machine has claimed, no user has, and no process runs as. */
const claim = (dataDirectory: string): SourceUsers => {
  const { ino } = statSync(join(dataDirectory, "data-directory-id"))
  const own = `${dataDirectory}\n${ino}`
  const folder = claimsFolder()
  const first = createHash("sha256").update(own).digest().readUInt32BE(0) % blocks
  let used: ReadonlySet<number> | undefined
  for (let at = 0; at < blocks; at++) {
    const base = lowest + ((first + at) % blocks) * blockSize
    const file = join(folder, String(base))
    const claimed = existsSync(file) ? readFileSync(file, "utf8") : undefined
    const users = usersOf(base)
    // This server's own claim from an earlier start: processes of these users are its leftovers.
    if (claimed?.startsWith(`${own}\n`) !== true) {
      if (claimed !== undefined && isLive(claimed)) continue
      used ??= usersInUse()
      if ([users.service, ...users.installers].some(({ uid }) => used?.has(uid))) continue
    }
    if (takeClaim(file, claimed, `${own}\n${process.pid}`)) return users
  }
  throw new Error(
    "All users that sources could run as are taken on this machine. Start the server as a user other than root."
  )
}

const claimed = new Map<string, SourceUsers>()

/**
 * As root: the users that run this data folder's sources. undefined: the server isn't root, so sources run as its own
 * user. The folder's id must exist.
 */
export const sourceUsers = (dataDirectory: string): SourceUsers | undefined => {
  if (process.getuid?.() !== 0) return undefined
  const users = claimed.get(dataDirectory) ?? claim(dataDirectory)
  claimed.set(dataDirectory, users)
  return users
}

/** Refuses to signal any other user: as root it would kill everything. */
const checked = ({ uid, gid }: UnprivilegedUser) => {
  if (uid < lowest || uid >= lowest + blocks * blockSize) throw new Error(`${uid} isn't a user of sources`)
  return { uid, gid, cwd: "/", env: hostEnvironment("system"), stdio: "ignore" as const }
}

/** The pids of the user's processes, including setuid programs: by the real user. Zombies don't count. */
export const processesOf = async ({ uid }: UnprivilegedUser): Promise<ReadonlyArray<number>> => {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number)
  const found: Array<number> = []
  for (const pid of pids) {
    const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "")
    if (!/^State:\s+[ZX]/m.test(status) && Number(/^Uid:\s+(\d+)/m.exec(status)?.[1]) === uid) found.push(pid)
  }
  return found
}

const killAll = async (user: UnprivilegedUser): Promise<void> => {
  try {
    const child = await startProgram(() => spawn("/bin/sh", ["-c", "kill -KILL -1"], checked(user)), { forMs: 0 })
    await new Promise((resolve) => child.once("close", resolve))
  } catch (cause) {
    if (systemFaultOf(cause)?.kind !== "processes" || process.platform !== "linux") throw cause
    // The user has so many processes that no more can start. Stopped ones can't start others.
    for (const signal of ["SIGSTOP", "SIGKILL"] as const) {
      for (const pid of await processesOf(user)) trying(() => process.kill(pid, signal))
    }
  }
}

const endWithinMs = 10_000
const pauseMs = 5

/**
 * Kills all processes of the user, no matter how they hide: a process of that user can signal all the others. The kernel
 * does that in one step, so nothing escapes by forking. A process inside a system call finishes it first, so we wait
 * until it's gone. Rejects if a process is left after ten seconds.
 */
export const endAllOf = async (user: UnprivilegedUser): Promise<void> => {
  checked(user)
  if (process.platform !== "linux") return killAll(user)
  const deadline = performance.now() + endWithinMs
  while ((await processesOf(user)).length > 0) {
    if (performance.now() > deadline) throw new Error(`Couldn't stop the processes of user ${user.uid}.`)
    await killAll(user)
    await sleep(pauseMs)
  }
}

/**
 * Empties a folder as the user. If a process of that user changes it meanwhile (a folder becomes a link), the removal
 * can only reach files that the user could remove anyway.
 */
export const emptyAs = (user: UnprivilegedUser, folder: string): void => {
  spawnSync("/bin/rm", ["-rf", "--", folder], checked(user))
}

/** The part of the path, or its end, that's closed to the user by permission bits; undefined if all of it is open. */
export const closedTo = (user: UnprivilegedUser, path: string): string | undefined => {
  const look = (real: string): string | undefined => {
    const above = dirname(real)
    const higher = above === real ? undefined : look(above)
    if (higher !== undefined) return higher
    const { gid, mode, uid } = statSync(real)
    const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
    return (mode & bit) === 0 ? real : undefined
  }
  return look(realpathSync(path))
}

/** May the user read the file, or enter the folder, by their permission bits? */
export const mayRead = (user: UnprivilegedUser, path: string): boolean => {
  const real = realpathSync(path)
  const { gid, mode, uid } = statSync(real)
  if ((mode & 0o170000) === 0o040000) return closedTo(user, real) === undefined
  const bit = uid === user.uid ? 0o400 : gid === user.gid ? 0o040 : 0o004
  return (mode & bit) !== 0 && closedTo(user, dirname(real)) === undefined
}
