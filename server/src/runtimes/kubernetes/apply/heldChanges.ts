import { Effect, Queue, Stream } from "effect"
import type { CacheChange } from "../cache/ClusterCache.ts"
import { idOf, type Place } from "./managed.ts"

/** Changes of an object are held back while we write it, because they may be our own. Keeps the latest one of each object. */
export const makeHeldChanges = Effect.gen(function* () {
  const busy = new Map<string, number>()
  const held = new Map<string, CacheChange>()
  const released = yield* Queue.sliding<CacheChange>(10_000)

  const release = (id: string) =>
    Effect.suspend(() => {
      const left = (busy.get(id) ?? 1) - 1
      if (left > 0) return Effect.sync(() => void busy.set(id, left))
      busy.delete(id)
      const change = held.get(id)
      held.delete(id)
      return change === undefined ? Effect.void : Queue.offer(released, change)
    })

  return {
    /** While this runs, the object's changes are held back. */
    during: <A, E, R>(place: Place, effect: Effect.Effect<A, E, R>) => {
      const id = idOf(place)
      return Effect.acquireUseRelease(
        Effect.sync(() => busy.set(id, (busy.get(id) ?? 0) + 1)),
        () => effect,
        () => release(id)
      )
    },

    /** Holds back a change of an object that is being written, to judge it later. */
    hold: (place: Place, change: CacheChange): boolean => {
      const id = idOf(place)
      if (!busy.has(id)) return false
      held.set(id, change)
      return true
    },

    /** Held back changes, for one reader. */
    released: Stream.fromQueue(released)
  }
})
