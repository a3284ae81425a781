/** Counts requests in progress and averages them over the time between two reports. */
export interface RequestStats {
  readonly requestStarted: (nowMs: number) => void
  readonly requestEnded: (nowMs: number) => void
  /** Average concurrency since the last report, weighted by time: two requests of half a second in one second are 1. */
  readonly report: (nowMs: number) => number
  readonly inFlight: () => number
}

/**
 * The autoscaler's input, once a second. Counting only the requests in progress at that instant would miss all shorter ones, and
 * stop a busy service. Source: Knative `networking/pkg/http/stats.RequestStats`.
 */
export const makeRequestStats = (startMs: number): RequestStats => {
  let inFlight = 0
  let lastChangeMs = startMs
  let requestMs = 0
  let elapsedMs = 0

  const compute = (nowMs: number): void => {
    if (nowMs <= lastChangeMs) return
    requestMs += inFlight * (nowMs - lastChangeMs)
    elapsedMs += nowMs - lastChangeMs
    lastChangeMs = nowMs
  }

  return {
    requestStarted: (nowMs) => {
      compute(nowMs)
      inFlight++
    },
    requestEnded: (nowMs) => {
      compute(nowMs)
      inFlight--
    },
    report: (nowMs) => {
      compute(nowMs)
      const average = elapsedMs > 0 ? requestMs / elapsedMs : 0
      requestMs = 0
      elapsedMs = 0
      return average
    },
    inFlight: () => inFlight
  }
}
