import type { ChildProcess } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { systemFaultOf } from "./systemFault.ts"

const longestPauseMs = 1_000

export interface StartOptions {
  readonly signal?: AbortSignal | undefined
  /** How long to retry. @default 5 s */
  readonly forMs?: number
}

/**
 * Starts a program with `spawn`, and rejects with the fault if that fails. If the machine temporarily can't start
 * processes or open files, it retries for a while: nothing of the program has run by then.
 */
export const startProgram = async <Child extends ChildProcess>(
  start: () => Child,
  { forMs = 5_000, signal }: StartOptions = {}
): Promise<Child> => {
  const deadline = performance.now() + forMs
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    const child = start()
    if (child.pid !== undefined) return child
    // Node reports it by an event, which kills this process if nobody listens.
    const cause = await new Promise<unknown>((resolve) => child.once("error", resolve))
    const kind = systemFaultOf(cause)?.kind
    if ((kind !== "processes" && kind !== "descriptors") || performance.now() >= deadline) throw cause
    await sleep(pauseMs, undefined, { signal })
  }
}
