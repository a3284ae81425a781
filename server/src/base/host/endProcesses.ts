import { setTimeout as sleep } from "node:timers/promises"
import { type ProcessEntry, processTable, startTimeOf, withDescendants } from "./processTable.ts"

/** How long to wait for a process after SIGKILL: nobody can stop a process while the kernel holds it in a system call. */
const afterKillMs = 5_000

const signal = (entry: ProcessEntry, name: NodeJS.Signals): void => {
  if (process.platform === "linux" && startTimeOf(entry.pid) !== entry.startTime) return
  try {
    process.kill(entry.pid, name)
  } catch {
    // It has ended meanwhile.
  }
}

/**
 * Stops the processes that `isRoot` picks and all their descendants: SIGTERM, up to `graceMs`, then SIGKILL to the rest,
 * including ones started meanwhile. `leader` settles when the first of them has ended: until then nothing is polled.
 * Returns how many there were at first.
 */
export const endProcesses = async (
  isRoot: (entry: ProcessEntry) => boolean,
  graceMs: number,
  leader: Promise<unknown> = Promise.resolve()
): Promise<number> => {
  // A process whose parent the signal killed is no longer a descendant, so we remember the ones that we found.
  const known = new Map<number, string>()
  const left = async () => {
    const table = await processTable()
    const found = withDescendants(table, (entry) => isRoot(entry) || known.get(entry.pid) === entry.startTime)
    for (const entry of found) known.set(entry.pid, entry.startTime)
    return found
  }
  const deadline = performance.now() + graceMs
  const first = await left()
  if (first.length === 0) return 0
  // Once each: many programs take a second SIGTERM as an order to exit at once.
  const asked = new Set<number>()
  const terminate = (entries: ReadonlyArray<ProcessEntry>) => {
    for (const entry of entries) {
      if (!asked.has(entry.pid)) signal(entry, "SIGTERM")
      asked.add(entry.pid)
    }
  }
  terminate(first)
  const abort = new AbortController()
  await Promise.race([leader, sleep(graceMs, undefined, { signal: abort.signal }).catch(() => undefined)])
  abort.abort()
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    const found = await left()
    if (found.length === 0) return first.length
    if (performance.now() >= deadline) break
    terminate(found)
    await sleep(Math.min(pause, Math.max(1, deadline - performance.now())))
  }
  const killDeadline = performance.now() + afterKillMs
  for (let found = await left(); found.length > 0 && performance.now() < killDeadline; found = await left()) {
    for (const entry of found) signal(entry, "SIGKILL")
    await sleep(5)
  }
  return first.length
}
