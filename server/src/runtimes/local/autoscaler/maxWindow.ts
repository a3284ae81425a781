/** The largest value of a sliding time window. */
export interface MaxWindow {
  /** Records a value at a time no earlier than the previous one's. */
  readonly record: (nowMs: number, value: number) => void
  /** Largest value of the window that ends at the last record; 0 before the first. */
  readonly current: () => number
}

/** A window of `windowMs` in steps of `granularityMs`. Source: Knative 0.48 `aggregation/max.TimeWindow`. */
export const makeMaxWindow = (windowMs: number, granularityMs: number): MaxWindow => {
  const size = Math.ceil(windowMs / granularityMs)
  // Newer entries are smaller: a larger value makes all smaller ones before it irrelevant.
  const maxima: Array<{ readonly step: number; readonly value: number }> = []

  return {
    record: (nowMs, value) => {
      const step = Math.floor(nowMs / granularityMs)
      let largest = value
      for (let last = maxima.at(-1); last !== undefined; last = maxima.at(-1)) {
        if (last.value > value && last.step !== step) break
        if (last.step === step) largest = Math.max(largest, last.value)
        maxima.pop()
      }
      for (let first = maxima[0]; first !== undefined && step - first.step >= size; first = maxima[0]) maxima.shift()
      maxima.push({ step, value: largest })
    },
    current: () => maxima[0]?.value ?? 0
  }
}
