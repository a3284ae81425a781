import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { queueDeliveries } from "./queueDeliveries.ts"

const decodeLast = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ last: Schema.NumberFromString })))

const someAreNew = (organizationId: OrganizationId) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`select 1 from events where organization_id = ${organizationId} and sequence is null limit 1`
    ),
    (rows) => rows.length > 0
  )

/**
 * Numbers the organization's committed events, in their order, and queues them for its webhooks. A separate, earlier
 * statement locks the head, so that the next one sees everything that the lock's former holder has numbered.
 */
const numberNew = (organizationId: OrganizationId) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const [before] = decodeLast(
        yield* sql`
          insert into event_heads (organization_id, last) values (${organizationId}, 0)
          on conflict (organization_id) do update set last = event_heads.last returning last::text as last`
      )
      yield* sql`
        with fresh as (
          select e.id, h.last + row_number() over (order by e.at, e.id) as sequence
          from events e join event_heads h on h.organization_id = e.organization_id
          where e.organization_id = ${organizationId} and e.sequence is null
        ), numbered as (
          update events e set sequence = f.sequence from fresh f
          where e.organization_id = ${organizationId} and e.id = f.id returning e.sequence
        )
        update event_heads set last = (select max(sequence) from numbered)
        where organization_id = ${organizationId} and exists (select 1 from numbered)`
      yield* queueDeliveries(organizationId, before?.last ?? 0)
    })
  )

/** The number of the organization's newest event. Every event committed by now has one. */
export const newestSequence = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    if (yield* someAreNew(organizationId)) yield* numberNew(organizationId)
    const [head] = decodeLast(
      yield* sql`select last::text as last from event_heads where organization_id = ${organizationId}`
    )
    return head?.last ?? 0
  })
