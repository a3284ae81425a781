const mostPauses = 5_000

/** Remembers which registries asked whom for a pause. */
export const makeRegistryPauses = (now: () => number = () => performance.now()) => {
  const until = new Map<string, number>()
  return {
    pause: (key: string, milliseconds: number | undefined): void => {
      if (milliseconds === undefined || milliseconds <= 0) return
      const end = Math.max(until.get(key) ?? 0, now() + milliseconds)
      until.delete(key)
      until.set(key, end)
      // Tenants name registries. If there are too many, we forget the oldest pause.
      const [oldest] = until.keys()
      if (until.size > mostPauses && oldest !== undefined) until.delete(oldest)
    },
    /** Milliseconds until it may be asked again; 0: now. */
    leftMs: (key: string): number => Math.max(0, (until.get(key) ?? 0) - now())
  }
}
