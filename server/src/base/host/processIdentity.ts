import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { errorCode } from "../node/errorCode.ts"
import { hostEnvironment } from "./hostEnvironment.ts"
import { systemFaultOf } from "./systemFault.ts"

/**
 * If this process can't open more files, it can't inspect another one. That doesn't mean that the other one has ended:
 * throws the fault.
 */
const unlessFault = (cause: unknown): undefined => {
  const kind = systemFaultOf(cause)?.kind
  if (kind === "descriptors" || kind === "memory") throw cause
}

/** Does a process with this id exist, of any user? A zombie doesn't count. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (errorCode(error) !== "EPERM") return false
  }
  return process.platform !== "linux" || statOf(pid)?.[0] !== "Z"
}

/** Fields of `/proc/<pid>/stat` after the name in parentheses, which may contain anything. The first is the state. */
const statOf = (pid: number): ReadonlyArray<string> | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  } catch (cause) {
    return unlessFault(cause)
  }
}

/** When a process started, for comparison only: process ids are reused. `undefined` if it doesn't exist. */
export const startOf = (pid: number): string | undefined =>
  process.platform === "linux" ? statOf(pid)?.[19] : ps(pid, "lstart=")

/** Name of the program that a process runs. */
export const programOf = (pid: number): string | undefined => {
  if (process.platform !== "linux") return ps(pid, "comm=")?.split("/").at(-1)
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim()
  } catch (cause) {
    return unlessFault(cause)
  }
}

const ps = (pid: number, column: string): string | undefined => {
  try {
    return (
      execFileSync("ps", ["-o", column, "-p", String(pid)], {
        encoding: "utf8",
        env: hostEnvironment("system")
      }).trim() || undefined
    )
  } catch (cause) {
    return unlessFault(cause)
  }
}
