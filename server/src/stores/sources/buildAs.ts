import { execFile } from "node:child_process"
import { chmod, chown, mkdir } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { hostEnvironment } from "../../base/host/hostEnvironment.ts"
import { endAllOf, type SourceUsers, type UnprivilegedUser } from "../../base/host/sourceUser.ts"
import type { Installer } from "./runCommand.ts"

/** Gives a tree to a user, except for hard links of the cache's files, which no build may change. */
const lend = async (tree: string, { gid, uid }: UnprivilegedUser): Promise<void> => {
  const own = ["(", "-type", "d", "-o", "-type", "l", "-o", "-links", "1", ")"]
  const args = [tree, ...own, "-exec", "chown", "-h", `${uid}:${gid}`, "{}", "+"]
  const env = hostEnvironment("system")
  await promisify(execFile)("find", args, { env })
  // They belong to root, so that only root may write to them. But copies of them, with their mode, have to be writable
  // for their maker.
  const linked = [tree, "-type", "f", "-links", "+1", "-exec", "chmod", "u+w", "{}", "+"]
  await promisify(execFile)("find", linked, { env })
}

const own = async (tree: string, { gid, uid }: UnprivilegedUser): Promise<void> => {
  // Changes the owner of links themselves, never of their targets.
  await promisify(execFile)("chown", ["-R", "-h", `${uid}:${gid}`, tree], { env: hostEnvironment("system") })
}

const againMs = 1_000
const root: UnprivilegedUser = { uid: 0, gid: 0 }

/**
 * Lets the commands of a build run as a user of their own, one for each build at a time, if the server is root.
 * `box` is root's folder around the `tree`, open only to the installer while it works. Afterwards every process of the
 * installer is killed and the tree is root's again, before root changes anything in it: a remaining process could turn
 * folders into links underneath it, and so make root write elsewhere.
 */
export const makeBuildAs = (users: SourceUsers) => {
  const free = [...users.installers]
  const waiting: Array<(user: UnprivilegedUser) => void> = []
  const take = (): Promise<UnprivilegedUser> => {
    const user = free.pop()
    return user === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(user)
  }
  const give = (user: UnprivilegedUser): void => {
    const next = waiting.shift()
    if (next === undefined) free.push(user)
    else next(user)
  }

  /** A user that's never given back would make a build wait forever. */
  const reclaim = async (user: UnprivilegedUser, box: string, trees: ReadonlyArray<string>) => {
    try {
      await endAllOf(user)
      await chmod(box, 0o700)
      for (const one of trees) await own(one, root)
      give(user)
    } catch (cause) {
      // No build runs as this user until all of its processes are gone.
      const later = async () => {
        await sleep(againMs, undefined, { ref: false })
        await endAllOf(user).then(
          () => give(user),
          () => void later()
        )
      }
      void later()
      throw cause
    }
  }

  return async (box: string, tree: string, run: (installer: Installer) => Promise<void>): Promise<void> => {
    const user = await take()
    const home = join(box, "home")
    try {
      await mkdir(home, { recursive: true, mode: 0o700 })
      await own(home, user)
      await lend(tree, user)
      await chown(box, 0, user.gid)
      await chmod(box, 0o710)
      await run({ ...user, home })
    } finally {
      await reclaim(user, box, [tree, home])
    }
  }
}
