import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { promisify } from "node:util"
import { sharedReading } from "../node/sharedReading.ts"
import { hostEnvironment } from "./hostEnvironment.ts"
import { systemFaultOf } from "./systemFault.ts"

/**
 * The variable that marks a process and its descendants as an instance of one data folder: `<data directory
 * id>/<instance id>`.
 */
export const markerName = "MAXCLOUD_INSTANCE"

export interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  /** Together with the pid it identifies one process of this boot, because pids are reused. */
  readonly startTime: string
  readonly zombie: boolean
  readonly marker: string | undefined
}

const parseStat = (stat: string) => {
  // The command's name is in parentheses and may contain anything, so fields are counted after the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return {
    zombie: fields[0] === "Z" || fields[0] === "X",
    parent: Number(fields[1]),
    group: Number(fields[2]),
    startTime: fields[19] ?? ""
  }
}

const markerIn = (environ: string): string | undefined => {
  const start = environ.startsWith(`${markerName}=`) ? 0 : environ.indexOf(`\0${markerName}=`) + 1
  if (start === 0 && !environ.startsWith(`${markerName}=`)) return undefined
  const end = environ.indexOf("\0", start)
  return environ.slice(start + markerName.length + 1, end === -1 ? undefined : end)
}

const pauseMs = 50
/** Ten seconds: otherwise stopping an instance would miss some of its processes and leave them running. */
const tries = 200

const readEntry = async (pid: number, left = tries): Promise<ProcessEntry | undefined> => {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8")
    // We can't read another user's environment, and the process isn't ours anyway.
    const environ = await readFile(`/proc/${pid}/environ`, "latin1").catch((cause) => {
      if (systemFaultOf(cause)?.kind === "descriptors") throw cause
      return ""
    })
    return { pid, ...parseStat(stat), marker: markerIn(environ) }
  } catch (cause) {
    // The process still exists, but can't be inspected as long as no file can be opened.
    if (left === 0 || systemFaultOf(cause)?.kind !== "descriptors") return undefined
    await sleep(pauseMs)
    return readEntry(pid, left - 1)
  }
}

const readLinux = async (): Promise<ReadonlyArray<ProcessEntry>> => {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => pid > 0)
  const entries: Array<ProcessEntry> = []
  // In batches: a thousand processes must not take a thousand files and threads at once.
  for (let at = 0; at < pids.length; at += 64) {
    for (const entry of await Promise.all(pids.slice(at, at + 64).map(readEntry))) if (entry) entries.push(entry)
  }
  return entries
}

const readByPs = async (): Promise<ReadonlyArray<ProcessEntry>> => {
  const options = { maxBuffer: 64 * 1024 * 1024, env: hostEnvironment("system") }
  const run = (...args: Array<string>) => promisify(execFile)("ps", args, options)
  const [table, environments] = await Promise.all([
    run("-axo", "pid=,ppid=,pgid=,stat=,lstart="),
    run("-axEww", "-o", "pid=,command=")
  ])
  const markers = new Map<number, string>()
  for (const line of environments.stdout.split("\n")) {
    const found = new RegExp(`^\\s*(\\d+) .*\\s${markerName}=(\\S+)`).exec(line)
    if (found?.[2]) markers.set(Number(found[1]), found[2])
  }
  return table.stdout.split("\n").flatMap((line) => {
    const found = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line)
    if (!found) return []
    const pid = Number(found[1])
    return {
      pid,
      parent: Number(found[2]),
      group: Number(found[3]),
      zombie: (found[4] ?? "").startsWith("Z"),
      startTime: found[5] ?? "",
      marker: markers.get(pid)
    }
  })
}

/**
 * All visible processes, as of some moment after the call. Concurrent calls share one reading, so stopping hundreds of
 * instances doesn't read the table hundreds of times. Linux: from `/proc`, elsewhere from `ps`.
 */
export const processTable: () => Promise<ReadonlyArray<ProcessEntry>> = sharedReading(() =>
  process.platform === "linux" ? readLinux() : readByPs()
)

/** The start time of a process that was just spawned; undefined if it has ended, or if only `ps` could tell. */
export const startTimeOf = (pid: number): string | undefined => {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8")).startTime
  } catch {
    return undefined
  }
}

/** The entries that `isRoot` picks with all their descendants, without zombies. */
export const withDescendants = (
  table: ReadonlyArray<ProcessEntry>,
  isRoot: (entry: ProcessEntry) => boolean
): ReadonlyArray<ProcessEntry> => {
  const found = new Map(table.filter(isRoot).map((entry) => [entry.pid, entry]))
  for (let before = -1; before !== found.size; ) {
    before = found.size
    for (const entry of table) if (found.has(entry.parent)) found.set(entry.pid, entry)
  }
  return [...found.values()].filter((entry) => !entry.zombie && entry.pid !== process.pid)
}
