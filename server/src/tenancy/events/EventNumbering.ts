import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Cause, Effect, Layer, Schedule, Schema, Stream } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { watchOver } from "../../base/node/keepDoing.ts"
import { numberBatch } from "./numberEvents.ts"

export interface NumberingOptions {
  /** How often to look without a wake-up, which may be lost. @default 2 seconds */
  readonly lookMs?: number
}

const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: OrganizationId })))

/** The next organization, in the order of ids, that has an event without a number. */
const nextAfter = (last: string) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        select organization_id as id from events where sequence is null and organization_id > ${last}
        order by organization_id limit 1`
    ),
    (rows) => decodeIds(rows)[0]?.id
  )

/**
 * One batch for each organization that has new events, so that a large backlog delays no other one. Returns whether
 * there may be more. An organization that fails stops no other: the round goes on, and fails at its end.
 */
const numberRound = Effect.gen(function* () {
  let isMore = false
  let failed: Error | undefined
  let id = yield* nextAfter("")
  while (id !== undefined) {
    const organization = id
    const isFull = yield* numberBatch(organization).pipe(
      Effect.catchAllCause((cause) => {
        failed ??= new Error(`Couldn't number the events of ${organization}.`, { cause: Cause.squash(cause) })
        return Effect.succeed(false)
      })
    )
    isMore ||= isFull
    id = yield* nextAfter(organization)
  }
  return { isMore, failed }
})

const numberAll = Effect.gen(function* () {
  let round = yield* numberRound
  while (round.isMore) round = yield* numberRound
  if (round.failed !== undefined) return yield* Effect.fail(round.failed)
}).pipe(asServer)

/**
 * Numbers events, which makes them readable and queues them for webhooks. Every server does: the lock of an organization's head keeps
 * them apart.
 */
export const layer = ({ lookMs = 2_000 }: NumberingOptions = {}) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const messages = yield* Effect.flatMap(Notifications, (found) => found.subscribe)
      const watched = watchOver("numbering of events")
      yield* Stream.fromQueue(messages).pipe(
        Stream.filter((message) => message.startsWith("events ") || message === "reconnected"),
        Stream.merge(Stream.fromSchedule(Schedule.spaced(lookMs))),
        Stream.buffer({ capacity: 1, strategy: "sliding" }),
        Stream.runForEach(() => watched(numberAll)),
        Effect.forkScoped
      )
    })
  )
