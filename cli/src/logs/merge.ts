import type { StageName } from "@maxcloud/config-schema"
import type { LogEntry, Service } from "@maxcloud/sdk/api"
import type { CallError, MaxCloud } from "@maxcloud/sdk/effect"
import { Chunk, type Context, Duration, Effect, Schedule, Stream } from "effect"
import { type LogFilter, makeFilter } from "./filter.ts"

export interface MergeInput {
  readonly cloud: Context.Tag.Service<typeof MaxCloud>
  readonly stage: StageName | undefined
  readonly services: Effect.Effect<
    ReadonlyArray<Service>,
    Effect.Effect.Error<Context.Tag.Service<typeof MaxCloud>["info"]>
  >
  readonly filter: LogFilter
  readonly follow: boolean
  readonly since: string | undefined
  readonly tail: number | undefined
  readonly revision: string | undefined
  readonly onInterrupted: (reason: CallError) => void
}

/** How many lines of a service to search for matches: the maximum that the server returns. */
export const mostLines = 10_000
const defaultTail = 100
/** How many services to ask for their stored lines at the same time. */
const atOnce = 8
/** How often to look for new services. */
const lookAgain = Schedule.spaced(Duration.seconds(5))

/**
 * The lines of several services: first the last matching ones in order of time, then, with `follow`, new lines, including those of new
 * services.
 */
export const mergedLogs = (input: MergeInput) => {
  const { cloud, filter, follow, onInterrupted, revision, since, stage, tail } = input
  const isWanted = makeFilter(filter)
  const filters = filter.grep !== undefined || filter.level !== undefined
  const most = tail ?? (since === undefined ? defaultTail : undefined)
  // Read at least one line of each service, to follow from there.
  const tailOfEach = !filters
    ? most === undefined
      ? undefined
      : Math.max(1, most)
    : since === undefined
      ? mostLines
      : undefined
  /** The cursor of the last line read, by the service's id. */
  const cursors = new Map<string, string>()
  const open = new Set<string>()

  const first = Effect.gen(function* () {
    const services = yield* input.services
    const read = yield* Effect.forEach(
      services,
      ({ app, id, name }) =>
        Stream.runCollect(cloud.logs(name, { follow: false, since, tail: tailOfEach, revision, app, stage })).pipe(
          Effect.tap((entries) =>
            Effect.sync(() => {
              const last = Chunk.last(entries)
              if (last._tag === "Some") cursors.set(id, last.value.cursor)
            })
          )
        ),
      { concurrency: atOnce }
    )
    const entries = read.flatMap((value) => [...value]).sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    const wanted = entries.filter(isWanted)
    return most === undefined ? wanted : most === 0 ? [] : wanted.slice(-most)
  })

  const later = ({ app, id, name }: Service) => {
    const after = cursors.get(id)
    // No cursor: it hadn't written a relevant line, so all of its lines are new.
    return cloud
      .logs(name, {
        follow: true,
        app,
        stage,
        revision,
        after,
        onInterrupted,
        ...(after === undefined ? (since === undefined ? { tail: mostLines } : { since }) : {})
      })
      .pipe(
        Stream.tap((entry) => Effect.sync(() => cursors.set(id, entry.cursor))),
        // It was deleted after we listed it.
        Stream.catchTag("NotFound", () => Stream.empty),
        Stream.ensuring(Effect.sync(() => open.delete(id)))
      )
  }

  const discovered = Stream.repeatEffectWithSchedule(input.services, lookAgain).pipe(
    Stream.mapConcat((services) => {
      const fresh = services.filter((service) => !open.has(service.id))
      for (const { id } of fresh) open.add(id)
      return fresh
    })
  )

  const start: Stream.Stream<LogEntry, Effect.Effect.Error<typeof first>> = Stream.unwrap(
    Effect.map(first, (found) => Stream.fromIterable(found))
  )
  return follow
    ? Stream.concat(
        start,
        discovered.pipe(Stream.flatMap(later, { concurrency: "unbounded", bufferSize: 64 }), Stream.filter(isWanted))
      )
    : start
}
