import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Queue, Schema } from "effect"
import { Notifications } from "../../base/database/Notifications.ts"
import { newestSequence } from "./numberEvents.ts"

const decodeNewest = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ at: Schema.String, id: Schema.String })))

/** The newest event that has no number yet. Its time as text, which keeps the microseconds. */
const newestWithout = (organizationId: OrganizationId) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`
        select at::text as at, id from events where organization_id = ${organizationId} and sequence is null
        order by events.at desc, id desc limit 1`
    ),
    (rows) => decodeNewest(rows)[0]
  )

/**
 * The number of the newest event, once those that were committed before this call have theirs. A read doesn't number events: it gives
 * `EventNumbering` a second, so that a client that changes something and then reads usually sees its event.
 */
export const settledSequence = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { subscribe } = yield* Notifications
    const messages = yield* subscribe
    const newest = yield* newestWithout(organizationId)
    if (newest === undefined) return yield* newestSequence(organizationId)
    const isOpen = Effect.map(
      sql`
        select 1 from events where organization_id = ${organizationId} and sequence is null
          and (at, id) <= (${newest.at}::timestamptz, ${newest.id}) limit 1`,
      (rows) => rows.length > 0
    )
    const numbered = Queue.take(messages).pipe(
      Effect.repeat({ until: (value) => value === `numbered ${organizationId}` })
    )
    yield* Effect.timeoutOption(
      Effect.iterate(yield* isOpen, { while: (open) => open, body: () => Effect.andThen(numbered, isOpen) }),
      "1 second"
    )
    return yield* newestSequence(organizationId)
  }).pipe(Effect.scoped)
