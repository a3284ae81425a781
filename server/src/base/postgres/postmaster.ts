import { readFileSync, type Stats, statSync } from "node:fs"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { isRunning, startOf } from "../host/processIdentity.ts"
import { errorCode } from "../node/errorCode.ts"

/** The process in a data folder's pid file, if it runs. */
export const postmaster = (data: string) => {
  try {
    const lines = readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")
    const pid = Number(lines[0])
    if (!Number.isInteger(pid) || pid <= 1 || !isRunning(pid)) return undefined
    const socket = lines[4]?.trim() ?? ""
    // It may be relative to the data folder.
    return { pid, ready: lines[7]?.trim() === "ready", socketFolder: socket === "" ? undefined : resolve(data, socket) }
  } catch (cause) {
    // An unreadable file (no descriptor is free) doesn't mean that nothing runs.
    if (errorCode(cause) !== "ENOENT") throw cause
    return undefined
  }
}

export const isSame = (one: string, other: Stats | undefined): boolean => {
  const there = statSync(one, { throwIfNoEntry: false })
  return there !== undefined && there.ino === other?.ino && there.dev === other.dev
}

/** Does the process work in this folder? A Postgres works in its data folder. */
export const worksIn = (pid: number, folder: string): boolean => {
  try {
    return isSame(`/proc/${pid}/cwd`, statSync(folder, { throwIfNoEntry: false }))
  } catch {
    return false
  }
}

export const awaitReady = async (data: string, ended: () => boolean): Promise<boolean> => {
  const deadline = performance.now() + 60_000
  while (performance.now() < deadline) {
    if (postmaster(data)?.ready === true) return true
    if (ended()) return false
    await sleep(10)
  }
  return false
}

/** The process that this one has started or adopted, which we still know when its files are gone. */
export const makeKnown = () => {
  let known: { readonly pid: number; readonly startedAt: string | undefined } | undefined
  return {
    know: (pid: number) => {
      known = { pid, startedAt: startOf(pid) }
    },
    pid: () =>
      known !== undefined && isRunning(known.pid) && startOf(known.pid) === known.startedAt ? known.pid : undefined
  }
}

type Signals = ReadonlyArray<readonly [NodeJS.Signals, number]>

export const inOrder: Signals = [
  ["SIGINT", 20_000],
  ["SIGQUIT", 5_000]
]
/** Without its data folder it has nothing to write. */
export const atOnce: Signals = [
  ["SIGQUIT", 5_000],
  ["SIGKILL", 5_000]
]

/** Sends one signal after the other, each with its own grace period. */
export const endPostmaster = async (pid: number, signals: Signals) => {
  for (const [signal, ms] of signals) {
    process.kill(pid, signal)
    for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(10)) {
      if (!isRunning(pid)) return
    }
  }
}
