import { type ChunkName, dayOf, decodeChunk, parseChunkName, startAfterOf } from "./chunk.ts"
import { compareLines, type LogLine, millisOf, sameLine, timeOf } from "./LogLine.ts"
import type { ObjectStore } from "./ObjectStore.ts"

export interface ChunkRange {
  readonly folder: string
  readonly since: string
  readonly sinceMillis: number
  readonly revision: string | undefined
}

const daysOf = async (store: ObjectStore, { folder, sinceMillis }: ChunkRange): Promise<ReadonlyArray<string>> => {
  const first = dayOf(sinceMillis)
  return (await store.list(folder)).folders.filter((day) => day >= first)
}

/** Chunks of a day that may have lines of the range, by their ends. */
const chunksOf = async (store: ObjectStore, range: ChunkRange, day: string): Promise<ReadonlyArray<ChunkName>> => {
  const startAfter = day === dayOf(range.sinceMillis) ? startAfterOf(range.sinceMillis) : undefined
  const { files } = await store.list(`${range.folder}/${day}`, startAfter)
  return files.flatMap((name) => parseChunkName(day, name) ?? [])
}

/** Replaces the lines of a chunk that can't be unpacked. All others are read. */
const damagedLine = ({ revision, since }: ChunkRange, { from, key, to }: ChunkName): LogLine => ({
  t: timeOf(from) > since ? timeOf(from) : since,
  n: 0,
  // The part of its name that no other chunk has.
  uid: key.slice(-".zst".length - 12, -".zst".length),
  instance: "",
  revision: revision ?? "",
  line: `max-cloud: log lines from ${new Date(from).toISOString()} to ${new Date(to).toISOString()} are damaged and can't be read. The operator can find them with: maxcloud server check`,
  truncated: false
})

/** The requested lines of a chunk; none if retention has removed it meanwhile. */
const linesOf = async (store: ObjectStore, range: ChunkRange, chunk: ChunkName): Promise<ReadonlyArray<LogLine>> => {
  const body = await store.get(`${range.folder}/${chunk.key}`)
  if (body === undefined) return []
  const lines = await decodeChunk(body).catch(() => [damagedLine(range, chunk)])
  return lines.filter((line) => line.t >= range.since && (range.revision ?? line.revision) === line.revision)
}

const withoutDoubles = (sorted: ReadonlyArray<LogLine>): ReadonlyArray<LogLine> =>
  sorted.filter((line, i) => {
    const previous = sorted[i - 1]
    return previous === undefined || !sameLine(previous, line)
  })

const sorted = (...parts: ReadonlyArray<ReadonlyArray<LogLine>>): ReadonlyArray<LogLine> =>
  withoutDoubles(parts.flat().sort(compareLines))

/**
 * All lines of the range in order, in parts. Chunks overlap after a catch-up, so a line is returned only when no
 * remaining chunk begins before it: memory is that of the overlapping chunks.
 */
export const readRange = async function* (
  store: ObjectStore,
  range: ChunkRange
): AsyncGenerator<ReadonlyArray<LogLine>, void, undefined> {
  const chunks: Array<ChunkName> = []
  for (const day of await daysOf(store, range)) chunks.push(...(await chunksOf(store, range, day)))
  chunks.sort((a, b) => a.from - b.from)
  let pending: ReadonlyArray<LogLine> = []
  let ahead = chunks[0] === undefined ? undefined : linesOf(store, range, chunks[0])
  for (let i = 0; ahead !== undefined; i++) {
    const lines = await ahead
    const next = chunks[i + 1]
    ahead = next === undefined ? undefined : linesOf(store, range, next)
    // Awaited in the next turn. Until then a failure is unhandled.
    ahead?.catch(() => undefined)
    pending = pending.length === 0 ? withoutDoubles(lines) : sorted(pending, lines)
    const ready = next === undefined ? pending.length : pending.findIndex((line) => millisOf(line.t) >= next.from)
    const count = ready === -1 ? pending.length : ready
    if (count === 0) continue
    yield pending.slice(0, count)
    pending = pending.slice(count)
  }
}

/**
 * The last `tail` lines of the range. Reads only the newest chunks: those that end before the oldest of these lines have
 * none of them.
 */
export const readTail = async (
  store: ObjectStore,
  range: ChunkRange,
  tail: number
): Promise<ReadonlyArray<LogLine>> => {
  let found: ReadonlyArray<LogLine> = []
  if (tail === 0) return found
  for (const day of (await daysOf(store, range)).toReversed()) {
    for (const chunk of (await chunksOf(store, range, day)).toReversed()) {
      const oldest = found[0]
      if (found.length >= tail && oldest !== undefined && chunk.to < millisOf(oldest.t)) return found
      found = sorted(await linesOf(store, range, chunk), found).slice(-tail)
    }
  }
  return found
}
