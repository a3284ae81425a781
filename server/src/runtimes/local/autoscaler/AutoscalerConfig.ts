/** Knative's `stable-window`. */
export const defaultStableWindowMs = 60_000

/**
 * How one revision is scaled. Names and defaults are Knative's (`config-autoscaler` and the
 * `autoscaling.knative.dev/*` annotations), times are milliseconds, ratios are fractions.
 */
export interface AutoscalerConfig {
  /** Concurrent requests wanted per instance, before utilization. @default maxConcurrency, or 100 where that is unlimited */
  readonly targetConcurrency?: number
  /** Hard limit of concurrent requests per instance (`containerConcurrency`); 0 is unlimited. @default 0 */
  readonly maxConcurrency?: number
  /** Share of the target at which another instance is wanted. @default 0.7 */
  readonly targetUtilization?: number
  /** Fewest instances while reachable. @default 0 */
  readonly min?: number
  /** Most instances; 0 is unlimited. @default 0 */
  readonly max?: number
  /** Fewest instances when above zero; below 2 it has no effect. @default 0 */
  readonly activationScale?: number
  /** The service's idle time: load is averaged over it, and without load it takes as long to reach zero. @default 60_000 */
  readonly stableWindowMs?: number
  /** Panic window in percent of the stable window. @default 10 */
  readonly panicWindowPercentage?: number
  /** Wanted over ready instances at which panic begins. @default 2 */
  readonly panicThreshold?: number
  /** Most growth per decision, as a factor of the ready instances. @default 1000 */
  readonly maxScaleUpRate?: number
  /** Most shrinking per decision, as a divisor of the ready instances. @default 2 */
  readonly maxScaleDownRate?: number
  /** How long load must be lower before instances are stopped. @default 0 */
  readonly scaleDownDelayMs?: number
  /** How long the last instance stays once nothing is wanted. @default 0 */
  readonly scaleToZeroPodRetentionMs?: number
  /** Spare requests to hold capacity for; -1 keeps the activator in the path always, 0 only at zero. @default 211 */
  readonly targetBurstCapacity?: number
  /** Whether any route leads to the revision; where none does, min, scale-down rate and delays do not hold it. @default true */
  readonly reachable?: boolean
}

/** The formula's inputs from a config, resolved as Knative's `MakeDecider` and `MakeMetric` do. */
export interface DeciderSpec {
  /** Concurrency per instance that is aimed at. */
  readonly targetValue: number
  /** Concurrency per instance that it can hold. */
  readonly totalValue: number
  readonly targetBurstCapacity: number
  readonly panicThreshold: number
  readonly maxScaleUpRate: number
  readonly maxScaleDownRate: number
  readonly activationScale: number
  readonly stableWindowMs: number
  readonly panicWindowMs: number
  readonly scaleDownDelayMs: number
  readonly reachable: boolean
}

/** Decisions are taken this often: Knative's `tickInterval`. */
export const tickIntervalMs = 2000

const concurrencyTargetDefault = 100
const targetMin = 0.01
const nanosecondsPerMs = 1e6

/** Resolves targets and windows. Source: Knative 0.48 `ResolveMetricTarget`, `MakeDecider`, `MakeMetric`. */
export const deciderSpec = (config: AutoscalerConfig): DeciderSpec => {
  const stableWindowMs = config.stableWindowMs ?? defaultStableWindowMs
  const totalValue = totalConcurrency(config.targetConcurrency, config.maxConcurrency ?? 0)
  return {
    targetValue: Math.max(targetMin, totalValue * (config.targetUtilization ?? 0.7)),
    totalValue,
    targetBurstCapacity: config.targetBurstCapacity ?? 211,
    panicThreshold: config.panicThreshold ?? 2,
    maxScaleUpRate: config.maxScaleUpRate ?? 1000,
    maxScaleDownRate: config.maxScaleDownRate ?? 2,
    activationScale: config.activationScale ?? 0,
    stableWindowMs,
    panicWindowMs: panicWindow(stableWindowMs, config.panicWindowPercentage ?? 10),
    scaleDownDelayMs: config.scaleDownDelayMs ?? 0,
    reachable: config.reachable ?? true
  }
}

const totalConcurrency = (target: number | undefined, max: number): number => {
  if (target === undefined) return max === 0 ? concurrencyTargetDefault : max
  return max === 0 ? target : Math.min(target, max)
}

// Go holds durations as whole nanoseconds: the same detour keeps ties at half a second equal.
const panicWindow = (stableWindowMs: number, percentage: number): number => {
  const nanoseconds = Math.trunc((stableWindowMs * nanosecondsPerMs * percentage) / 100)
  return Math.max(1000, Math.round(nanoseconds / (1000 * nanosecondsPerMs)) * 1000)
}
