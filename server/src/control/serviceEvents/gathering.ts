/** When a group may be reported. Milliseconds. */
export interface GatherBounds {
  /** From the first thing of a group to its report: so long it collects more. */
  readonly firstMs: number
  /** From one report of a group to the next. */
  readonly spacingMs: number
  /** How long to keep what isn't ours to report, for the time in which nobody else would. */
  readonly keptMs: number
  /** Things of a group that are kept; of more, only the number. */
  readonly most: number
}

export const usualBounds: GatherBounds = { firstMs: 5_000, spacingMs: 30_000, keptMs: 60_000, most: 500 }

/** A report: what has come together. `more`: how many others there were. */
export interface Gathered<A> {
  readonly group: string
  readonly items: ReadonlyArray<A>
  readonly more: number
}

interface Kept<A> {
  readonly item: A
  readonly atMs: number
}

interface Group<A> {
  /** By their ids, oldest first. */
  readonly items: Map<string, Kept<A>>
  /** How many were dropped: all of them older than those that are kept. */
  more: number
  dueMs: number
  /** When the last report was taken. */
  takenMs: number
}

/**
 * Collects what happens into groups, so that each group is reported seldom. Time is given, never measured. It is changed in place:
 * a copy for each of thousands of services would cost more than everything else.
 */
export interface Gathering<A> {
  readonly bounds: GatherBounds
  readonly groups: Map<string, Group<A>>
}

export const makeGathering = <A>(bounds: GatherBounds = usualBounds): Gathering<A> => ({ bounds, groups: new Map() })

/** Adds something to its group; the same id replaces what was there. */
export const gather = <A>(
  { bounds, groups }: Gathering<A>,
  group: string,
  id: string,
  item: A,
  nowMs: number
): void => {
  const found = groups.get(group) ?? {
    items: new Map<string, Kept<A>>(),
    more: 0,
    dueMs: 0,
    takenMs: Number.NEGATIVE_INFINITY
  }
  if (found.items.size === 0) found.dueMs = Math.max(nowMs + bounds.firstMs, found.takenMs + bounds.spacingMs)
  // The newest comes last.
  found.items.delete(id)
  found.items.set(id, { item, atMs: nowMs })
  const [oldest] = found.items.keys()
  if (found.items.size > bounds.most && oldest !== undefined) {
    found.items.delete(oldest)
    found.more++
  }
  groups.set(group, found)
}

/** Drops what is older than `keptMs`. What was dropped for its number is older still. */
const dropOld = <A>(group: Group<A>, { keptMs }: GatherBounds, nowMs: number) => {
  for (const [id, { atMs }] of group.items) {
    if (nowMs - atMs < keptMs) return
    group.items.delete(id)
    group.more = 0
  }
}

/**
 * Takes the groups that are due. Those that aren't ours stay for a while: their server may have died. `isOurs` gets a thing of the
 * group.
 */
export const takeDue = <A>(
  { bounds, groups }: Gathering<A>,
  nowMs: number,
  isOurs: (item: A) => boolean
): ReadonlyArray<Gathered<A>> => {
  const taken: Array<Gathered<A>> = []
  for (const [name, group] of groups) {
    const [first] = group.items.values()
    if (first === undefined) {
      if (nowMs - group.takenMs >= bounds.spacingMs) groups.delete(name)
      continue
    }
    if (group.dueMs > nowMs) continue
    if (isOurs(first.item)) {
      taken.push({ group: name, items: Array.from(group.items.values(), ({ item }) => item), more: group.more })
      group.items.clear()
      group.more = 0
      group.takenMs = nowMs
    } else dropOld(group, bounds, nowMs)
  }
  return taken
}

/** Puts back reports that couldn't be made, before what has come since: they are due again later, with all that they counted. */
export const putBack = <A>(
  gathering: Gathering<A>,
  reports: ReadonlyArray<Gathered<A>>,
  idOf: (item: A) => string,
  nowMs: number
): void => {
  for (const { group, items, more } of reports) {
    const newer = [...(gathering.groups.get(group)?.items ?? [])]
    gathering.groups.get(group)?.items.clear()
    for (const item of items) gather(gathering, group, idOf(item), item, nowMs)
    for (const [id, { item }] of newer) gather(gathering, group, id, item, nowMs)
    const found = gathering.groups.get(group)
    if (found !== undefined) found.more += more
  }
}
