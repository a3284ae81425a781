/** A stretch of time in which a server reached the cluster, in epoch milliseconds. */
export interface Sighting {
  readonly from: number
  readonly to: number
}

/** How many milliseconds between two times no server saw the cluster. Time before the oldest sighting counts as seen. */
export const unseenBetween = (sightings: ReadonlyArray<Sighting>, from: number, to: number): number => {
  const ordered = [...sightings].sort((a, b) => a.from - b.from)
  const [oldest] = ordered
  if (oldest === undefined) return 0
  let seenTo = Math.max(from, oldest.from)
  let unseen = 0
  for (const sighting of ordered) {
    const begins = Math.min(sighting.from, to)
    if (begins > seenTo) unseen += begins - seenTo
    seenTo = Math.max(seenTo, sighting.to)
  }
  return unseen + Math.max(0, to - seenTo)
}
