/** The timers of one watch, all cancelled together. */
export interface Pauses {
  readonly pause: (milliseconds: number) => Promise<void>
  /** Calls `then` after this time, unless the returned function is called before, or the watch is stopped. */
  readonly after: (milliseconds: number, then: () => void) => () => void
  readonly stopped: () => boolean
  readonly stop: () => void
}

export const makePauses = (): Pauses => {
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false

  const after = (milliseconds: number, then: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      then()
    }, milliseconds)
    timers.add(timer)
    return () => {
      timers.delete(timer)
      clearTimeout(timer)
    }
  }

  return {
    pause: (milliseconds) => new Promise<void>((resolve) => void after(milliseconds, resolve)),
    after,
    stopped: () => stopped,
    stop: () => {
      stopped = true
      // A cancelled pause never resolves: its loop becomes garbage.
      for (const timer of timers) clearTimeout(timer)
    }
  }
}
