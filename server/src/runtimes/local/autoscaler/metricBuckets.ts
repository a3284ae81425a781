/** Values summed in buckets of one second, averaged over a sliding window. */
export interface MetricBuckets {
  /** Adds a value to its second; seconds without any count as zero. A value older than the window is dropped. */
  readonly record: (nowMs: number, value: number) => void
  /**
   * Average of the seconds in the window that ends at `nowMs`. A window that isn't full yet, or whose newest seconds are missing,
   * is averaged over the seconds it has. 0 if nothing was recorded for a whole window.
   */
  readonly average: (nowMs: number) => number
  /** Was nothing recorded for longer than the window? */
  readonly isEmpty: (nowMs: number) => boolean
}

const granularityMs = 1000

/**
 * Buckets over `windowMs`. Source: Knative 0.48 `aggregation.TimedFloat64Buckets`. Sums use the same order, so that the averages
 * are equal to the last digit.
 */
export const makeMetricBuckets = (windowMs: number): MetricBuckets => {
  const size = Math.max(1, Math.ceil(windowMs / granularityMs))
  const buckets = new Float64Array(size)
  let firstWrite = Number.NEGATIVE_INFINITY
  let lastWrite = Number.NEGATIVE_INFINITY
  let total = 0

  const at = (second: number): number => buckets[second % size] ?? 0

  const advanceTo = (second: number): void => {
    if ((second - lastWrite) * granularityMs >= windowMs) {
      firstWrite = second
      buckets.fill(0)
      total = 0
    } else {
      for (let gap = lastWrite + 1; gap <= second; gap++) {
        total -= at(gap)
        buckets[gap % size] = 0
      }
    }
    lastWrite = second
  }

  const record = (nowMs: number, value: number): void => {
    const second = toSecond(nowMs)
    if (second !== lastWrite) {
      if (second * granularityMs + windowMs <= lastWrite * granularityMs) return
      if (firstWrite === Number.NEGATIVE_INFINITY || second < firstWrite) firstWrite = second
      if (second > lastWrite) advanceTo(second)
    }
    buckets[second % size] = at(second) + value
    total += value
  }

  const average = (nowMs: number): number => {
    const second = toSecond(nowMs)
    const missing = Math.max(0, second - lastWrite)
    if (missing > 0 && missing * granularityMs >= windowMs) return 0
    let sum = total
    for (let outdated = lastWrite + 1; outdated <= second; outdated++) sum -= at(outdated)
    return roundToMicro(sum / Math.min(lastWrite - firstWrite + 1, size - missing))
  }

  return {
    record,
    average,
    isEmpty: (nowMs) => (toSecond(nowMs) - lastWrite) * granularityMs > windowMs
  }
}

const toSecond = (ms: number): number => Math.floor(ms / granularityMs)

// Rounds halves away from zero, like Go; Math.round rounds them up.
const roundToMicro = (value: number): number => (Math.sign(value) * Math.round(Math.abs(value) * 1e6)) / 1e6
