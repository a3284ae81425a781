import { readFileSync } from "node:fs"

/**
 * Podman lowers its own process limit to this, and can't give more than it has. A container's processes are also bounded
 * by its cgroup.
 */
const mostProcesses = 32_768

const names = [
  ["Max open files", "nofile", Number.POSITIVE_INFINITY],
  ["Max processes", "nproc", mostProcesses]
] as const

/** CAP_SYS_RESOURCE: may raise limits. */
const mayRaise = (status: string): boolean => {
  const [, effective = "0"] = /^CapEff:\s+([0-9a-f]+)$/m.exec(status) ?? []
  return (BigInt(`0x${effective}`) >> 24n) % 2n === 1n
}

/**
 * Arguments that give a container the limits of this process, from its `/proc/self/status` and `limits`. Podman asks for
 * about a million open files. If that's more than this process has, as in many sandboxes, a container wouldn't start
 * (`error setting rlimit type 7`). Empty if this process may raise its limits.
 */
export const ulimitsOf = (status: string, limits: string): ReadonlyArray<string> =>
  (mayRaise(status) ? [] : names).flatMap(([line, name, most]) => {
    const found = limits.split("\n").find((text) => text.startsWith(`${line} `))
    const [soft = "", hard = ""] = found?.slice(line.length).trim().split(/\s+/) ?? []
    if (![soft, hard].every((value) => /^(\d+|unlimited)$/.test(value))) return []
    const value = (written: string) => {
      const limit = Math.min(written === "unlimited" ? Number.POSITIVE_INFINITY : Number(written), most)
      return limit === Number.POSITIVE_INFINITY ? -1 : limit
    }
    return ["--ulimit", `${name}=${value(soft)}:${value(hard)}`]
  })

/** Empty without `/proc`. */
export const ownUlimits = (): ReadonlyArray<string> => {
  try {
    return ulimitsOf(readFileSync("/proc/self/status", "utf8"), readFileSync("/proc/self/limits", "utf8"))
  } catch {
    return []
  }
}
