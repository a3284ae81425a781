/** How long after its last use to remember the image of a revision that hasn't launched it yet. */
const knownForMs = 10 * 60_000

/** Ties all instances of a revision to one image, however many start at once and wherever its tag moves meanwhile. */
export const makeRevisionImages = () => {
  const known = new Map<string, { id: string; usedAt: number }>()
  const finding = new Map<string, Promise<string>>()
  return async (
    revision: string,
    given: string | undefined,
    /** Once it is aborted, the result is dropped. */
    signal: AbortSignal,
    find: (given: string | undefined) => Promise<string>
  ): Promise<string> => {
    const under = finding.get(revision)
    if (under !== undefined) return under
    for (const [other, { usedAt }] of known) if (performance.now() - usedAt > knownForMs) known.delete(other)
    const found = find(given ?? known.get(revision)?.id)
    const forget = () => {
      if (finding.get(revision) === found) finding.delete(revision)
      signal.removeEventListener("abort", forget)
    }
    finding.set(revision, found)
    signal.addEventListener("abort", forget)
    const id = await found.finally(forget)
    known.set(revision, { id, usedAt: performance.now() })
    return id
  }
}
