import { SqlClient } from "@effect/sql/SqlClient"
import { type CloudEvent, frequentTypes, type OrganizationId, type Unavailable } from "@maxcloud/sdk/api"
import { Chunk, Effect, Layer, Option, Schedule, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { sweeping } from "../../base/database/sweeping.ts"
import * as EventNumbering from "./EventNumbering.ts"
import { type EventQuery, Events } from "./Events.ts"
import { pageOfEvents, readEvents } from "./eventRows.ts"
import { newestSequence } from "./numberEvents.ts"
import { settledSequence } from "./settledSequence.ts"

/** How often a reader of events polls, because a wake-up can be lost. */
const lookMs = 2_000
/** Events per read. */
const pageSize = 500

/** Wakes now, and whenever the organization may have new events. */
const wakesOf = (organizationId: OrganizationId) =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const { subscribe } = yield* Notifications
      const messages = yield* subscribe
      const wakes = Stream.fromQueue(messages).pipe(
        Stream.filter((value) => value === `numbered ${organizationId}` || value === "reconnected"),
        Stream.merge(Stream.fromSchedule(Schedule.spaced(lookMs))),
        Stream.buffer({ capacity: 1, strategy: "sliding" })
      )
      return Stream.concat(Stream.make(undefined), wakes)
    })
  )

/** Reads on from `start` at each wake-up, page by page. Reads no event twice, whether it's selected or not. */
const readOn = (organizationId: OrganizationId, query: EventQuery, start: number) =>
  Stream.suspend(() => {
    let last = start
    const page = Effect.gen(function* () {
      const upTo = yield* newestSequence(organizationId)
      const found = upTo > last ? yield* readEvents(organizationId, query, { after: last, upTo, limit: pageSize }) : []
      const isFull = found.length === pageSize
      last = isFull ? Number(found.at(-1)?.sequence) : Math.max(last, upTo)
      return [Chunk.fromIterable(found), isFull ? Option.some(undefined) : Option.none()] as const
    }).pipe(orUnavailable)
    return Stream.flatMap(wakesOf(organizationId), () => Stream.paginateChunkEffect(undefined, () => page))
  })

const follow = (organizationId: OrganizationId, query: EventQuery) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const newest = yield* orUnavailable(settledSequence(organizationId))
      const start = query.after ?? (query.since === undefined ? newest : 0)
      return readOn(organizationId, query, start)
    })
  )

/** Deletes events older than the retention. Their numbers aren't reused. */
const sweeper = (days: number) =>
  sweeping(
    "old events",
    "1 hour",
    Effect.asVoid(
      Effect.flatMap(SqlClient, (sql) => sql`delete from events where at < now() - ${days} * interval '1 day'`)
    )
  )

/** How long to keep events of the types that services cause without anybody's action. */
const frequentDays = 3
/** How many of these to keep of a service. */
const frequentKept = 1_000

/** Deletes events of frequent types after days, and those beyond a number of each service. */
const frequentSweeper = sweeping(
  "events of frequent types",
  "1 hour",
  Effect.flatMap(SqlClient, (sql) =>
    sql`
      delete from events e using (
        select organization_id, id, at,
          row_number() over (partition by organization_id, app, stage, service order by at desc, id desc) as place
        from events where ${sql.in("type", frequentTypes)}
      ) f
      where e.organization_id = f.organization_id and e.id = f.id
        and (f.place > ${frequentKept} or f.at < now() - ${frequentDays} * interval '1 day')`.pipe(Effect.asVoid)
  )
)

/** `Events` in the tables `events` and `event_heads`. `retentionDays`: how long to keep them. */
export const layer = ({ retentionDays }: { readonly retentionDays: number }) =>
  Layer.mergeAll(
    sweeper(retentionDays),
    frequentSweeper,
    EventNumbering.layer(),
    Layer.effect(
      Events,
      Effect.gen(function* () {
        const context = yield* contextWithoutRows<SqlClient | Notifications>()
        return {
          page: Effect.fn("Events.page")(pageOfEvents, orUnavailable, Effect.provide(context)),
          follow: (organizationId, query): Stream.Stream<CloudEvent, Unavailable> =>
            Stream.provideSomeContext(follow(organizationId, query), context)
        }
      })
    )
  )
