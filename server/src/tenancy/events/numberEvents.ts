import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { notifying } from "../../base/database/notifying.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { queueDeliveries } from "./queueDeliveries.ts"

/** Events that one transaction numbers at most. */
export const eventsAtOnce = 500

const decodeLast = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ last: Schema.NumberFromString })))
const decodeCount = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ count: Schema.Int })))

/**
 * Numbers the organization's oldest committed events without a number, and queues them for its webhooks. A separate,
 * earlier statement locks the head, so that the next one sees everything that the lock's former holder has numbered.
 * Returns whether there may be more.
 */
export const numberBatch = (organizationId: OrganizationId) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const [before] = decodeLast(
        yield* sql`
          insert into event_heads (organization_id, last) values (${organizationId}, 0)
          on conflict (organization_id) do update set last = event_heads.last returning last::text as last`
      )
      const [numbered] = decodeCount(
        yield* sql`
          with oldest as (
            select id, at from events where organization_id = ${organizationId} and sequence is null
            order by at, id limit ${eventsAtOnce}
          ), fresh as (
            select o.id, h.last + row_number() over (order by o.at, o.id) as sequence
            from oldest o join event_heads h on h.organization_id = ${organizationId}
          ), numbered as (
            update events e set sequence = f.sequence from fresh f
            where e.organization_id = ${organizationId} and e.id = f.id returning e.sequence
          ), head as (
            update event_heads set last = (select max(sequence) from numbered)
            where organization_id = ${organizationId} and exists (select 1 from numbered)
          )
          select count(*)::int as count from numbered`
      )
      const count = numbered?.count ?? 0
      if (count === 0) return false
      yield* queueDeliveries(organizationId, before?.last ?? 0)
      yield* sql`select ${notifying(sql, `numbered ${organizationId}`)}`
      return count === eventsAtOnce
    })
  )

/** The number of the organization's newest event that has one. */
export const newestSequence = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [head] = decodeLast(
      yield* sql`select last::text as last from event_heads where organization_id = ${organizationId}`
    )
    return head?.last ?? 0
  })
