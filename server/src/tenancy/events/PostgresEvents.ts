import type { SqlClient } from "@effect/sql/SqlClient"
import type { CloudEvent, OrganizationId, Unavailable } from "@maxcloud/sdk/api"
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
import { sweepEvents, sweepFrequent } from "./sweepEvents.ts"

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

/** `Events` in the tables `events` and `event_heads`. `retentionDays`: how long to keep them. */
export const layer = ({ retentionDays }: { readonly retentionDays: number }) =>
  Layer.mergeAll(
    sweeping("old events", "1 hour", sweepEvents(retentionDays)),
    sweeping("events of frequent types", "1 hour", sweepFrequent),
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
