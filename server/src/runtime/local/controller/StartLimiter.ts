/** A place in the queue of first starts. */
export interface Turn {
  /** Goes on at once, whoever waits: a request needs it. */
  readonly now: () => void
  /** Leaves: the start is over, one way or the other, or not wanted any more. */
  readonly done: () => void
}

/** Lets only so many services start for the first time at once, so that a deployment of hundreds does not choke the machine. */
export interface StartLimiter {
  readonly enter: (go: () => void) => Turn
  readonly waiting: () => number
}

export const makeStartLimiter = (limit: number): StartLimiter => {
  const queue = new Set<() => void>()
  let busy = 0

  const next = () => {
    for (const go of queue) {
      if (busy >= limit) return
      queue.delete(go)
      busy++
      go()
    }
  }

  return {
    enter: (start) => {
      let counted = false
      const go = () => {
        counted = true
        start()
      }
      queue.add(go)
      next()
      return {
        now: () => {
          if (queue.delete(go)) start()
        },
        done: () => {
          queue.delete(go)
          if (!counted) return
          counted = false
          busy--
          next()
        }
      }
    },
    waiting: () => queue.size
  }
}
