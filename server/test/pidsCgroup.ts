import { randomUUID } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** A cgroup that counts the processes and threads in it. */
export interface PidsCgroup {
  readonly add: (pid: number) => void
  /** How many may start besides the current ones. */
  readonly allow: (more: number | "any") => void
  readonly remove: () => void
}

/** Creates one, or returns a text that says why it can't (it needs root on Linux, and writable cgroups). */
export const makePidsCgroup = (): PidsCgroup | string => {
  const base = existsSync("/sys/fs/cgroup/pids") ? "/sys/fs/cgroup/pids" : "/sys/fs/cgroup"
  const folder = join(base, `maxcloud-test-${randomUUID()}`)
  try {
    mkdirSync(folder)
    if (!existsSync(join(folder, "pids.max"))) {
      rmdirSync(folder)
      return "the cgroups here don't count processes"
    }
  } catch (cause) {
    return `can't create a cgroup here: ${String(cause)}`
  }
  return {
    add: (pid) => writeFileSync(join(folder, "cgroup.procs"), String(pid)),
    allow: (more) => {
      const present = Number(readFileSync(join(folder, "pids.current"), "utf8"))
      writeFileSync(join(folder, "pids.max"), more === "any" ? "max" : String(present + more))
    },
    remove: () => rmdirSync(folder)
  }
}
