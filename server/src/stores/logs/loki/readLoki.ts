import { type Direction, type Entry, LokiError } from "./LokiClient.ts"
import { earlier, later } from "./nanoseconds.ts"

/**
 * The entries of a range, at most `limit`, the first or the last of them; `n` narrows them to places among equal times.
 */
export type Ask = (
  range: { readonly start: bigint; readonly end: bigint; readonly limit: number; readonly direction: Direction },
  n?: readonly [from: number, before: number]
) => Promise<ReadonlyArray<Entry>>

export interface Paging {
  readonly start: bigint
  readonly end: bigint
  readonly direction: Direction
  /** Entries per request. @default 1000 */
  readonly pageEntries?: number | undefined
  /** The first window, in nanoseconds. Each is four times the previous one. */
  readonly firstWindow?: bigint | undefined
}

const hour = 3_600_000_000_000n
/** The longest range that Loki answers with its default settings (`max_query_length`: 721 hours). */
const longestWindow = 720n * hour
const shortestWindow = hour
const fewestEntries = 10
const mostPlaces = 2 ** 31

const tooMuch = /exceeds the limit|max_entries_limit|larger than max|ResourceExhausted/

/** All entries with one time, however many: in parts by their places, because a limit cuts anywhere among equal times. */
const atOnce = async (
  ask: Ask,
  at: bigint,
  limit: number,
  from: number,
  before: number
): Promise<ReadonlyArray<Entry>> => {
  const range = { start: at, end: at + 1n, limit, direction: "forward" } as const
  const entries = await ask(range, [from, before])
  if (entries.length < limit) return entries
  if (before - from <= 1) throw new LokiError("refused", `it has more than ${limit} lines with the same time and place`)
  const middle = from + Math.floor((before - from) / 2)
  return [...(await atOnce(ask, at, limit, from, middle)), ...(await atOnce(ask, at, limit, middle, before))]
}

/**
 * All entries of a range in parts, window by window and page by page in one direction. Entries with equal times are all
 * in one part, in no order. A limit cuts anywhere among equal times, so the last time of a full page is requested again.
 */
export const pages = async function* (ask: Ask, paging: Paging): AsyncGenerator<ReadonlyArray<Entry>, void, undefined> {
  const { direction } = paging
  const forward = direction === "forward"
  let { end, start } = paging
  let longest = longestWindow
  let window = paging.firstWindow ?? longest
  let limit = paging.pageEntries ?? 1000
  while (start < end) {
    const range = forward
      ? { start, end: earlier(start + window, end), limit, direction }
      : { start: later(end - window, start), end, limit, direction }
    let entries: ReadonlyArray<Entry>
    try {
      entries = await ask(range)
    } catch (cause) {
      // An operator may have set less than Loki's default.
      if (!(cause instanceof LokiError) || !tooMuch.test(cause.text)) throw cause
      if (limit <= fewestEntries && window <= shortestWindow) throw cause
      limit = Math.max(fewestEntries, Math.trunc(limit / 2))
      window = later(window / 2n, shortestWindow)
      longest = window
      continue
    }
    if (entries.length < limit) {
      if (forward) start = range.end
      else end = range.start
      if (entries.length > 0) yield entries
      window = earlier(window * 4n, longest)
      continue
    }
    const times = entries.map((entry) => entry.nanos)
    const edge = times.reduce((a, b) => ((forward ? b > a : b < a) ? b : a))
    const inner = entries.filter((entry) => entry.nanos !== edge)
    if (inner.length > 0) {
      if (forward) start = edge
      else end = edge + 1n
      yield inner
    } else {
      yield await atOnce(ask, edge, limit, 0, mostPlaces)
      if (forward) start = edge + 1n
      else end = edge
    }
  }
}
