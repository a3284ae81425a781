import { type AutoscalerConfig, deciderSpec } from "./AutoscalerConfig.ts"
import { type DeciderStart, makeDecider, type ScaleDecision } from "./decider.ts"
import { makeMetricBuckets } from "./metricBuckets.ts"
import { clamp, makeScaleToZero } from "./scaleBounds.ts"

export { type AutoscalerConfig, tickIntervalMs } from "./AutoscalerConfig.ts"
export type { DeciderStart, ScaleDecision } from "./decider.ts"
export { makeRequestStats, type RequestStats } from "./requestStats.ts"
export { clamp } from "./scaleBounds.ts"

/** Scales one revision by observed concurrency. No clock, no I/O: the caller passes all times as epoch milliseconds. */
export interface Autoscaler {
  /**
   * Records the average concurrency of the last second (all instances, and requests held for one): once a second, also when it is
   * 0. Several values in one second add up, as from several reporters.
   */
  readonly record: (nowMs: number, concurrency: number) => void
  /**
   * Decides every `tickIntervalMs`, and at once for a request to a revision at zero. Not `valid` if nothing was recorded for a
   * whole stable window.
   */
  readonly scale: (nowMs: number, readyInstances: number) => ScaleDecision
  /**
   * The number of instances to run for a valid decision's `desired`: between min and max, and the last one stops only after a
   * stable window of activity and the retention time. Call this once per decision, and only after the revision has been ready
   * once: until then the initial scale applies.
   */
  readonly target: (nowMs: number, desired: number) => number
  /** Sets whether a route still points to the revision. */
  readonly setReachable: (reachable: boolean) => void
}

/**
 * Knative's KPA autoscaler for one revision, as of `knative.dev/serving` v0.48: stable and panic windows, rate limits, activation
 * scale, scale-down delay, excess burst capacity. `start` counts the instances that already run or are starting: they make the
 * revision active, and with more than one it begins in panic mode, which keeps them for a stable window.
 */
export const makeAutoscaler = (
  config: AutoscalerConfig,
  start: DeciderStart = { nowMs: 0, readyInstances: 0 }
): Autoscaler => {
  const spec = deciderSpec(config)
  const stable = makeMetricBuckets(spec.stableWindowMs)
  const panic = makeMetricBuckets(spec.panicWindowMs)
  const decider = makeDecider(spec, start)
  const scaleToZero = makeScaleToZero(config, start.readyInstances > 0 ? start.nowMs : undefined)
  let reachable = spec.reachable

  return {
    record: (nowMs, concurrency) => {
      stable.record(nowMs, concurrency)
      panic.record(nowMs, concurrency)
    },
    scale: (nowMs, readyInstances) =>
      stable.isEmpty(nowMs)
        ? decider.undecided()
        : decider.decide(nowMs, readyInstances, { stable: stable.average(nowMs), panic: panic.average(nowMs) }),
    target: (nowMs, desired) => scaleToZero.apply(nowMs, clamp({ ...config, reachable }, desired), reachable),
    setReachable: (value) => {
      reachable = value
      decider.setReachable(value)
    }
  }
}
