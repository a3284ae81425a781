/**
 * How long a change of a service's template may take to show as a new revision, in milliseconds. After it Knative's word counts though
 * there is none: then it says why no revision could be made.
 */
const patienceMillis = 15_000

/** A service as the cache tells it. */
export interface Told {
  readonly generation: number
  readonly newestRevision: string
}

/**
 * Which services wait for the revision of their last apply. Between that apply and its revision Knative may still tell of the one before,
 * by a status of the new generation: whoever judged by it would fail a deployment by its predecessor.
 */
export const makeSuccessors = () => {
  const waiting = new Map<string, { readonly predecessor: string; readonly until: number }>()

  return {
    /** An apply has made of `before` an object of this generation. */
    applied: (id: string, before: Told | undefined, generation: number, now: number): void => {
      if (before === undefined || generation <= before.generation || before.newestRevision === "") return
      waiting.set(id, { predecessor: before.newestRevision, until: now + patienceMillis })
    },

    /** Is the newest revision still the one before? */
    isAwaited: (id: string, newestRevision: string | undefined, now: number): boolean => {
      const wait = waiting.get(id)
      if (wait === undefined) return false
      if (newestRevision === wait.predecessor && now < wait.until) return true
      waiting.delete(id)
      return false
    }
  }
}
