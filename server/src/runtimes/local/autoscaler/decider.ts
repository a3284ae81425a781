import { type DeciderSpec, tickIntervalMs } from "./AutoscalerConfig.ts"
import { makeMaxWindow } from "./maxWindow.ts"

/** Total concurrency of a revision, averaged over its two windows. */
export interface ObservedConcurrency {
  readonly stable: number
  readonly panic: number
}

/** The autoscaler's decision for a revision. */
export interface ScaleDecision {
  /** Was there data to decide on? Without data, nothing may be changed. */
  readonly valid: boolean
  /** Instances wanted, before min and max. */
  readonly desired: number
  /** Is it in panic mode? During such a surge, nothing shrinks. */
  readonly panic: boolean
  /** Spare requests beyond the target burst capacity; below 0 the activator must be in the path. */
  readonly excessBurstCapacity: number
}

/**
 * The initial state of an autoscaler. With more than one ready instance it starts in panic mode, so that a restart shrinks
 * nothing.
 */
export interface DeciderStart {
  readonly nowMs: number
  readonly readyInstances: number
}

export interface Decider {
  readonly decide: (nowMs: number, readyInstances: number, observed: ObservedConcurrency) => ScaleDecision
  /** The decision without any observation. */
  readonly undecided: () => ScaleDecision
  readonly setReachable: (reachable: boolean) => void
}

const int32Max = 2 ** 31 - 1

/** Knative's formula with its panic state. Source: Knative 0.48 `pkg/autoscaler/scaling/autoscaler.go`. */
export const makeDecider = (spec: DeciderSpec, start: DeciderStart): Decider => {
  const delay = spec.scaleDownDelayMs > 0 ? makeMaxWindow(spec.scaleDownDelayMs, tickIntervalMs) : undefined
  let reachable = spec.reachable
  let panicSinceMs = start.readyInstances > 1 ? start.nowMs : undefined
  let panicInstances = start.readyInstances

  const activated = (wanted: number, bounded: number): number =>
    spec.activationScale > 1 && wanted > 0 ? Math.max(bounded, spec.activationScale) : bounded

  const updatePanic = (nowMs: number, overThreshold: boolean): void => {
    if (overThreshold) {
      panicSinceMs = nowMs
    } else if (panicSinceMs !== undefined && panicSinceMs + spec.stableWindowMs < nowMs) {
      panicSinceMs = undefined
      panicInstances = 0
    }
  }

  const decide = (nowMs: number, readyInstances: number, observed: ObservedConcurrency): ScaleDecision => {
    const ready = Math.max(1, readyInstances)
    const most = Math.min(int32Max, Math.ceil(spec.maxScaleUpRate * ready))
    const fewest = reachable ? Math.floor(ready / spec.maxScaleDownRate) : 0
    const bounded = (wanted: number): number => activated(wanted, Math.min(Math.max(wanted, fewest), most))

    const stableWanted = Math.ceil(observed.stable / spec.targetValue)
    const panicWanted = Math.ceil(observed.panic / spec.targetValue)
    updatePanic(nowMs, panicWanted / ready >= spec.panicThreshold)

    let desired = bounded(stableWanted)
    if (panicSinceMs !== undefined) {
      panicInstances = Math.max(panicInstances, desired, bounded(panicWanted))
      desired = panicInstances
    }
    if (reachable && delay !== undefined) {
      delay.record(nowMs, desired)
      desired = delay.current()
    }
    return {
      valid: true,
      desired,
      panic: panicSinceMs !== undefined,
      excessBurstCapacity: excessBurstCapacity(spec, readyInstances, observed.panic)
    }
  }

  return {
    decide,
    undecided: () => ({ valid: false, desired: 0, panic: panicSinceMs !== undefined, excessBurstCapacity: 0 }),
    setReachable: (value) => {
      reachable = value
    }
  }
}

// Use the panic value, which follows the load fastest.
const excessBurstCapacity = (spec: DeciderSpec, readyInstances: number, panicConcurrency: number): number => {
  if (spec.targetBurstCapacity === 0) return 0
  if (spec.targetBurstCapacity < 0) return -1
  return Math.floor(readyInstances * spec.totalValue - spec.targetBurstCapacity - panicConcurrency)
}
