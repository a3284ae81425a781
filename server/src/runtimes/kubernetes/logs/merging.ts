import { Chunk } from "effect"
import { compareLines, type LogLine } from "../../../stores/logs/LogLine.ts"

/**
 * Lines of several instances waiting to be sorted, as a pure state machine: each function takes the state and the time
 * (milliseconds of a monotonic clock) and returns the result. `LiveMerge` does the waiting.
 */
export interface Merging {
  /** In order of arrival; the lines of a batch are sorted. A Chunk, because a busy instance appends for each line. */
  readonly batches: Chunk.Chunk<Batch>
  /** Lines in all batches. */
  readonly count: number
  readonly ended: boolean
  /** Instances that produce lines now: a single one has nothing to wait for. */
  readonly instances: number
  readonly takenAt: number
}

interface Batch {
  readonly lines: ReadonlyArray<LogLine>
  readonly arrivedAt: number
}

export interface MergingBounds {
  /** How long a line waits for earlier lines of other instances, in milliseconds. */
  readonly windowMillis: number
  /** Lines that may wait for the reader. */
  readonly maxLines: number
}

/**
 * How often a fast reader gets lines, in milliseconds, and then all that have arrived: the API server sends each line separately.
 */
const gatherMillis = 10
/** Maximum number of lines to return at once. */
const gatherLines = 2_048

export const nothingYet: Merging = { batches: Chunk.empty(), count: 0, ended: false, instances: 0, takenAt: 0 }

export const isFull = ({ count }: Merging, { maxLines }: MergingBounds): boolean => count >= maxLines

export const given = (state: Merging, lines: ReadonlyArray<LogLine>, now: number): Merging => ({
  ...state,
  batches: Chunk.append(state.batches, { lines, arrivedAt: now }),
  count: state.count + lines.length
})

const isImmediate = (state: Merging, bounds: MergingBounds) =>
  state.ended || state.instances <= 1 || isFull(state, bounds)

/** Milliseconds until lines may be taken; undefined if there are none. */
export const dueIn = (state: Merging, bounds: MergingBounds, now: number): number | undefined => {
  if (!Chunk.isNonEmpty(state.batches)) return undefined
  const { arrivedAt } = Chunk.headNonEmpty(state.batches)
  if (!isImmediate(state, bounds)) return Math.max(0, arrivedAt + bounds.windowMillis - now)
  return state.ended || state.count >= gatherLines ? 0 : Math.max(0, state.takenAt + gatherMillis - now)
}

/** The lines whose window is over and the lines of other instances that precede them, in order. */
export const taken = (
  state: Merging,
  bounds: MergingBounds,
  now: number
): { readonly state: Merging; readonly lines: ReadonlyArray<LogLine> } => {
  const until = isImmediate(state, bounds) ? Number.POSITIVE_INFINITY : now - bounds.windowMillis
  const batches = Chunk.toReadonlyArray(state.batches)
  const latest = batches
    .filter(({ arrivedAt }) => arrivedAt <= until)
    .flatMap(({ lines }) => lines.at(-1) ?? [])
    .reduce<LogLine | undefined>(
      (bound, line) => (bound === undefined || compareLines(line, bound) > 0 ? line : bound),
      undefined
    )
  const cut = batches.map((batch) => ({
    batch,
    count: batch.arrivedAt <= until ? batch.lines.length : latest === undefined ? 0 : countUpTo(batch.lines, latest)
  }))
  const lines = cut.flatMap(({ batch, count }) => batch.lines.slice(0, count)).sort(compareLines)
  const left = cut
    .filter(({ batch, count }) => count < batch.lines.length)
    .map(({ batch, count }) => (count === 0 ? batch : { ...batch, lines: batch.lines.slice(count) }))
  return {
    state: { ...state, batches: Chunk.unsafeFromArray(left), count: state.count - lines.length, takenAt: now },
    lines
  }
}

const countUpTo = (lines: ReadonlyArray<LogLine>, bound: LogLine): number => {
  const index = lines.findIndex((line) => compareLines(line, bound) > 0)
  return index === -1 ? lines.length : index
}
