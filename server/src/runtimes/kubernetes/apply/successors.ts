/**
 * How long to wait for a new revision after a change of a service's template, in milliseconds of reachable time. After that we trust Knative's
 * status without one: it then says why it couldn't create a revision.
 */
const patienceMillis = 15_000

/** A service in the cache. */
export interface Told {
  readonly generation: number
  readonly newestRevision: string
}

/**
 * Remembers which services still wait for the revision of their last apply. Until it exists, Knative may report the previous
 * revision in a status of the new generation. Judging by that would fail a deployment because of its predecessor.
 */
export const makeSuccessors = () => {
  const waiting = new Map<string, { readonly predecessor: string; readonly until: number }>()

  return {
    /** An apply changed `before` into an object of this generation. */
    applied: (id: string, before: Told | undefined, generation: number, now: number): void => {
      if (before === undefined || generation <= before.generation || before.newestRevision === "") return
      waiting.set(id, { predecessor: before.newestRevision, until: now + patienceMillis })
    },

    /** Is the newest revision still the previous one? */
    isAwaited: (id: string, newestRevision: string | undefined, now: number): boolean => {
      const wait = waiting.get(id)
      if (wait === undefined) return false
      if (newestRevision === wait.predecessor && now < wait.until) return true
      waiting.delete(id)
      return false
    }
  }
}
