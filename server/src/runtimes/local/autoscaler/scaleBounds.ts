import { type AutoscalerConfig, defaultStableWindowMs } from "./AutoscalerConfig.ts"

/** Clamps a wanted number of instances to min and max (0 is unlimited). Source: Knative 0.48 `applyBounds`. */
export const clamp = (config: Pick<AutoscalerConfig, "min" | "max" | "reachable">, desired: number): number => {
  const min = config.reachable === false ? 0 : (config.min ?? 0)
  const max = config.max ?? 0
  if (desired < min) return min
  return max !== 0 && desired > max ? max : desired
}

/** Keeps the last instance as long as necessary. */
export interface ScaleToZero {
  /** Instances to run for `desired` (already between min and max): 1 if it is too early for zero. */
  readonly apply: (nowMs: number, desired: number, reachable: boolean) => number
}

/**
 * Scales to zero when the revision has been active for at least a stable window, and then wanted nothing for the retention time.
 * Knative's grace period is missing: it covers the time its network takes to route to the activator, and here a proxy that holds
 * requests is always in the path. Source: Knative 0.48 `handleScaleToZero`.
 */
export const makeScaleToZero = (
  config: Pick<AutoscalerConfig, "stableWindowMs" | "scaleToZeroPodRetentionMs">,
  activeFromMs: number | undefined
): ScaleToZero => {
  const stableWindowMs = config.stableWindowMs ?? defaultStableWindowMs
  let activeSinceMs = activeFromMs
  let inactiveSinceMs: number | undefined

  return {
    apply: (nowMs, desired, reachable) => {
      if (desired > 0) {
        activeSinceMs ??= nowMs
        inactiveSinceMs = undefined
        return desired
      }
      if (activeSinceMs !== undefined && nowMs - activeSinceMs < stableWindowMs) return 1
      activeSinceMs = undefined
      inactiveSinceMs ??= nowMs
      const retentionMs = reachable ? (config.scaleToZeroPodRetentionMs ?? 0) : 0
      return nowMs - inactiveSinceMs >= retentionMs ? 0 : 1
    }
  }
}
