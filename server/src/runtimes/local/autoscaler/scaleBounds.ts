import { type AutoscalerConfig, defaultStableWindowMs } from "./AutoscalerConfig.ts"

/** Keeps a wanted number of instances between min and max (0 is unlimited). Source: Knative 0.48 `applyBounds`. */
export const clamp = (config: Pick<AutoscalerConfig, "min" | "max" | "reachable">, desired: number): number => {
  const min = config.reachable === false ? 0 : (config.min ?? 0)
  const max = config.max ?? 0
  if (desired < min) return min
  return max !== 0 && desired > max ? max : desired
}

/** Holds the last instance as long as it must stay. */
export interface ScaleToZero {
  /** Instances to run where `desired` (already between min and max) is wanted: 1 while zero is too early. */
  readonly apply: (nowMs: number, desired: number, reachable: boolean) => number
}

/**
 * Zero is reached when the revision has been active for a stable window at least, and then wanted nothing for the
 * retention time. Knative's grace period is absent: it covers the time its network takes to route to the activator,
 * and here a proxy that holds requests is always in the path. Source: Knative 0.48 `handleScaleToZero`.
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
