import { setImmediate as turn } from "node:timers/promises"
import { Context } from "effect"

/** The time by which the autoscaler measures and decides. */
export interface ScalingClock {
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Like `setInterval`, but returns the function that cancels it. */
  readonly every: (ms: number, run: () => void) => () => void
}

export const realClock: ScalingClock = {
  now: () => performance.now(),
  every: (ms, run) => {
    const timer = setInterval(run, ms)
    return () => clearInterval(timer)
  }
}

/** A clock that runs in real time, and can be moved ahead. */
export interface AheadClock extends ScalingClock {
  /** Skips this much time, making every call that is due in it. */
  readonly advance: (ms: number) => Promise<void>
}

export const makeAheadClock = (): AheadClock => {
  const waiting = new Set<{ readonly ms: number; readonly run: () => void; left: number }>()
  let aheadMs = 0
  return {
    now: () => realClock.now() + aheadMs,
    every: (ms, run) => {
      const each = { ms, run, left: ms }
      waiting.add(each)
      const end = realClock.every(ms, run)
      return () => {
        waiting.delete(each)
        end()
      }
    },
    advance: async (ms) => {
      for (let left = ms; left > 0; ) {
        const step = Math.min(left, ...[...waiting].map((each) => each.left))
        left -= step
        aheadMs += step
        for (const each of [...waiting]) {
          each.left -= step
          if (each.left > 0 || !waiting.has(each)) continue
          each.left = each.ms
          each.run()
        }
        // A decision is carried out before the next one is made.
        await turn()
      }
    }
  }
}

/** Real time in every server except those of `embedded()`, whose tests may move it. */
export class ScalingTime extends Context.Reference<ScalingTime>()("@maxcloud/server/ScalingTime", {
  defaultValue: (): ScalingClock => realClock
}) {}
