import { type AutoscalerConfig, deciderSpec } from "./AutoscalerConfig.ts"
import { type DeciderStart, makeDecider, type ScaleDecision } from "./decider.ts"
import { makeMetricBuckets } from "./metricBuckets.ts"
import { clamp, makeScaleToZero } from "./scaleBounds.ts"

export { type AutoscalerConfig, tickIntervalMs } from "./AutoscalerConfig.ts"
export type { DeciderStart, ScaleDecision } from "./decider.ts"
export { makeRequestStats, type RequestStats } from "./requestStats.ts"
export { clamp } from "./scaleBounds.ts"

/** Scales one revision by observed concurrency. No clock, no I/O: all times are epoch milliseconds from the caller. */
export interface Autoscaler {
  /**
   * Takes the average concurrency (all instances, and requests held for one) of the last second: once a second, also
   * when it is 0. Several values in one second add up, as of several reporters.
   */
  readonly record: (nowMs: number, concurrency: number) => void
  /**
   * Decides, every `tickIntervalMs`, and at once when a request comes for a revision at zero. Not `valid` when nothing
   * was recorded for a whole stable window.
   */
  readonly scale: (nowMs: number, readyInstances: number) => ScaleDecision
  /**
   * Instances to run for a valid decision's `desired`: between min and max, and the last one no sooner gone than after
   * a stable window of activity and the retention time. To be asked once per decision, and not before the revision has
   * been ready once: until then the initial scale stands.
   */
  readonly target: (nowMs: number, desired: number) => number
  /** Tells whether a route still leads to the revision. */
  readonly setReachable: (reachable: boolean) => void
}

/**
 * Knative's KPA autoscaler for one revision, as of `knative.dev/serving` v0.48: stable and panic windows, rate limits,
 * activation scale, scale-down delay, excess burst capacity. `start` tells of instances that already run or are being
 * started: they make the revision active, and above one it begins in panic mode, which keeps them for a stable window.
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
