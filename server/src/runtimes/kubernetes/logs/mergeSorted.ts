import { Effect, Option, type Scope, Stream } from "effect"
import { compareLines, type LogLine, sameLine } from "../../../stores/logs/LogLine.ts"

type Lines = ReadonlyArray<LogLine>

interface Source<E> {
  readonly next: Effect.Effect<Lines | undefined, E>
  lines: Lines
  at: number
  ended: boolean
}

const open = <E>(stream: Stream.Stream<Lines, E>): Effect.Effect<Source<E>, never, Scope.Scope> =>
  Effect.map(Stream.toPull(Stream.rechunk(stream, 1)), (pull) => ({
    next: pull.pipe(
      Effect.map((chunk): Lines => [...chunk].flat()),
      Effect.catchAll((end) => (Option.isNone(end) ? Effect.succeed(undefined) : Effect.fail(end.value)))
    ),
    lines: [],
    at: 0,
    ended: false
  }))

const fill = <E>(source: Source<E>): Effect.Effect<void, E> =>
  Effect.gen(function* () {
    while (!source.ended && source.at >= source.lines.length) {
      const lines = yield* source.next
      if (lines === undefined) source.ended = true
      source.lines = lines ?? []
      source.at = 0
    }
  })

/** Finds the source with the earliest line, and the first line of the others. */
const first = <E>(sources: ReadonlyArray<Source<E>>) => {
  let least: Source<E> | undefined
  let leastLine: LogLine | undefined
  let bound: LogLine | undefined
  for (const source of sources) {
    const line = source.lines[source.at]
    if (line === undefined) continue
    if (leastLine === undefined || compareLines(line, leastLine) < 0) {
      bound = leastLine
      least = source
      leastLine = line
    } else if (bound === undefined || compareLines(line, bound) < 0) bound = line
  }
  return { least, bound }
}

/** Maximum number of lines in a chunk. */
const maxPart = 4_096

/**
 * Merges sorted streams into one; a line in several of them appears once. The last source is opened after the others have given
 * their first lines, so it contains whatever they lack by then. Holds one chunk of each source.
 */
export const mergeSorted = <E>(
  streams: ReadonlyArray<Stream.Stream<Lines, E>>,
  lastStream: Stream.Stream<Lines, E>
): Stream.Stream<Lines, E> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const sources = yield* Effect.forEach(streams, open)
      const lastSource = yield* open(lastStream)
      const all = [...sources, lastSource]
      let begun = false
      let previous: LogLine | undefined

      const part = Effect.gen(function* () {
        if (!begun) {
          yield* Effect.forEach(sources, fill, { concurrency: 16, discard: true })
          yield* fill(lastSource)
          begun = true
        }
        const out: Array<LogLine> = []
        while (out.length < maxPart) {
          const { bound, least } = first(all)
          if (least === undefined) break
          for (; least.at < least.lines.length && out.length < maxPart; least.at++) {
            const line = least.lines[least.at]
            if (line === undefined || (bound !== undefined && compareLines(line, bound) > 0)) break
            if (previous === undefined || !sameLine(previous, line)) out.push(line)
            previous = line
          }
          // Without this source's next line, the next line overall is unknown.
          if (least.at >= least.lines.length && !least.ended) yield* fill(least)
        }
        return out.length === 0 ? yield* Effect.fail(Option.none()) : out
      }).pipe(Effect.mapError((error) => (Option.isOption(error) ? error : Option.some(error))))
      return Stream.repeatEffectOption(part)
    })
  )
