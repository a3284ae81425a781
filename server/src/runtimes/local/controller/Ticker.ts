import { tickIntervalMs } from "../autoscaler/Autoscaler.ts"
import { realClock, type ScalingClock } from "./ScalingTime.ts"

/** A service with instances or held requests. The ticker calls it once a second. */
export interface Ticking {
  /** Called every second; `decide` every other time, when the autoscaler decides. */
  readonly beat: (nowMs: number, decide: boolean) => void
}

/** One timer for all awake services. If none is awake, there is no timer. */
export interface Ticker {
  readonly add: (ticking: Ticking) => void
  readonly remove: (ticking: Ticking) => void
  readonly stop: () => void
  /** The time passed to each tick. */
  readonly now: () => number
}

const sampleIntervalMs = 1000

export const makeTicker = ({ every, now }: ScalingClock = realClock): Ticker => {
  const awake = new Set<Ticking>()
  let cancel: (() => void) | undefined
  let samples = 0

  const beat = () => {
    samples++
    const decide = samples % (tickIntervalMs / sampleIntervalMs) === 0
    const nowMs = now()
    for (const ticking of awake) ticking.beat(nowMs, decide)
    if (awake.size === 0) stop()
  }
  const stop = () => {
    cancel?.()
    cancel = undefined
  }

  return {
    now,
    add: (ticking) => {
      awake.add(ticking)
      cancel ??= every(sampleIntervalMs, beat)
    },
    remove: (ticking) => {
      awake.delete(ticking)
    },
    stop: () => {
      awake.clear()
      stop()
    }
  }
}
