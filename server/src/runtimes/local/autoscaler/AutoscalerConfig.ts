/** Knative's `stable-window`. */
export const defaultStableWindowMs = 60_000

/**
 * How one revision is scaled. Names and defaults are Knative's (`config-autoscaler` and the `autoscaling.knative.dev/*`
 * annotations), times are in milliseconds, ratios are fractions.
 */
export interface AutoscalerConfig {
  /** Desired concurrent requests per instance, before utilization. @default maxConcurrency, or 100 if that is unlimited */
  readonly targetConcurrency?: number
  /** Hard limit of concurrent requests per instance (`containerConcurrency`); 0 is unlimited. @default 0 */
  readonly maxConcurrency?: number
  /** Share of the target at which another instance is wanted. @default 0.7 */
  readonly targetUtilization?: number
  /** Minimum number of instances while reachable. @default 0 */
  readonly min?: number
  /** Maximum number of instances; 0 is unlimited. @default 0 */
  readonly max?: number
  /** Minimum number of instances when above zero; below 2 it has no effect. @default 0 */
  readonly activationScale?: number
  /** The service's idle time: load is averaged over it, and without load, scaling to zero takes this long. @default 60_000 */
  readonly stableWindowMs?: number
  /** Panic window in percent of the stable window. @default 10 */
  readonly panicWindowPercentage?: number
  /** Ratio of wanted to ready instances at which panic begins. @default 2 */
  readonly panicThreshold?: number
  /** Maximum growth per decision, as a factor of the ready instances. @default 1000 */
  readonly maxScaleUpRate?: number
  /** Maximum shrinking per decision, as a divisor of the ready instances. @default 2 */
  readonly maxScaleDownRate?: number
  /** How long load must stay lower before instances are stopped. @default 0 */
  readonly scaleDownDelayMs?: number
  /** How long the last instance stays once none is wanted. @default 0 */
  readonly scaleToZeroPodRetentionMs?: number
  /** Spare requests to keep capacity for; -1 always keeps the activator in the path, 0 only at zero. @default 211 */
  readonly targetBurstCapacity?: number
  /** Does any route point to the revision? If not, min, scale-down rate and delays don't apply. @default true */
  readonly reachable?: boolean
}

/** The formula's inputs from a config, resolved like Knative's `MakeDecider` and `MakeMetric`. */
export interface DeciderSpec {
  /** Target concurrency per instance. */
  readonly targetValue: number
  /** Maximum concurrency per instance. */
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

/** How often to decide: Knative's `tickInterval`. */
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

// Go stores durations as whole nanoseconds: the same rounding keeps ties at half a second equal.
const panicWindow = (stableWindowMs: number, percentage: number): number => {
  const nanoseconds = Math.trunc((stableWindowMs * nanosecondsPerMs * percentage) / 100)
  return Math.max(1000, Math.round(nanoseconds / (1000 * nanosecondsPerMs)) * 1000)
}
