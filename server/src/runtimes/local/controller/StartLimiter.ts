import { Effect } from "effect"

/** A place in the queue of first starts. */
export interface Turn {
  /** Continues at once, whoever waits: a request needs it. */
  readonly now: () => void
  /** Leaves: the start succeeded, failed, or is no longer wanted. */
  readonly done: () => void
  /**
   * Does something that needs no place, such as waiting for an image, and lends the place to others meanwhile. It returns with a
   * place again. If it fails, the next one asks for a place.
   */
  readonly away: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Limits how many services have their first start at once, so that a deployment of hundreds doesn't overload the machine. */
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
      /** Needs no place any more: it is urgent, or finished. */
      let free = false
      const returning = new Map<() => void, () => void>()
      const go = () => {
        counted = true
        start()
      }
      const leave = () => {
        if (!counted) return
        counted = false
        busy--
        next()
      }
      const letReturn = () => {
        for (const [enter, resume] of returning) {
          queue.delete(enter)
          returning.delete(enter)
          resume()
        }
      }
      const comeBack = Effect.async<void>((resume) => {
        const on = () => resume(Effect.void)
        if (counted || free) return on()
        const enter = () => {
          counted = true
          // The place belongs to the service: its other instances need none.
          letReturn()
        }
        returning.set(enter, on)
        queue.add(enter)
        next()
        return Effect.sync(() => {
          queue.delete(enter)
          returning.delete(enter)
        })
      })
      queue.add(go)
      next()
      return {
        now: () => {
          free = true
          letReturn()
          if (queue.delete(go)) start()
        },
        done: () => {
          free = true
          queue.delete(go)
          letReturn()
          leave()
        },
        away: (effect) =>
          Effect.suspend(() => {
            leave()
            return effect
          }).pipe(Effect.zipLeft(comeBack))
      }
    },
    waiting: () => queue.size
  }
}
