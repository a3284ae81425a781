import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationId, WebhookDeliveryId, WebhookId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { isDue } from "../../base/database/isDue.ts"
import type { SealedValue } from "../../base/keys/DataKeys.ts"
import { cloudEventOf, decodeEventRows } from "../events/eventRows.ts"
import { triedDays } from "../events/queueDeliveries.ts"
import { longestWaitMs } from "./schedule.ts"
import { validSecrets } from "./secretRows.ts"
import type { Attempt } from "./send.ts"

/** One organization's concurrent deliveries, over all servers: slow receivers leave room for other organizations. */
const perOrganization = 4

const Leased = Schema.Struct({
  organization_id: OrganizationId,
  delivery: WebhookDeliveryId,
  webhook: WebhookId,
  url: Schema.String,
  attempts: Schema.Int,
  now: Schema.Number,
  overdue: Schema.Boolean
})
const decodeLeased = Schema.decodeUnknownSync(Schema.Array(Leased))

/** A delivery that this server has to make, until its lease ends. */
export interface LeasedDelivery {
  readonly organizationId: OrganizationId
  readonly id: WebhookDeliveryId
  readonly webhook: WebhookId
  readonly url: string
  /** Including this one. Another lease has another number, so it shows whether a row is still ours. */
  readonly attempts: number
  /** Seconds since 1970, by the database. */
  readonly at: number
  /** Is this the last attempt? */
  readonly isLast: boolean
  /** Every one that is still valid, sealed. */
  readonly secrets: ReadonlyArray<SealedValue>
  readonly body: string
}

const claimed = (leaseMs: number, holder: string | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      with busy as (
        select organization_id, count(*)::int as count from webhook_deliveries
        where lease_until > clock_timestamp() group by organization_id
      ), due as (
        select d.organization_id, d.id from webhook_deliveries d
        join webhooks w on w.organization_id = d.organization_id and w.id = d.webhook_id and w.disabled_because is null
        join events e on e.organization_id = d.organization_id and e.id = d.event_id and e.sequence is not null
        left join busy b on b.organization_id = d.organization_id
        where d.finished_at is null and ${isDue(sql, sql`d.available_at`, longestWaitMs)}
          and (d.lease_until is null or ${isDue(sql, sql`d.lease_until`, leaseMs)})
          and coalesce(b.count, 0) < ${perOrganization}
        order by coalesce(b.count, 0), d.available_at limit 1 for update of d skip locked
      )
      update webhook_deliveries d
      set attempts = d.attempts + 1,
        lease_until = clock_timestamp() + ${leaseMs}::float8 * interval '1 millisecond',
        lease_holder = ${holder ?? null}
      from due, webhooks w
      where d.organization_id = due.organization_id and d.id = due.id
        and w.organization_id = d.organization_id and w.id = d.webhook_id
      returning d.organization_id, d.id as delivery, d.webhook_id as webhook, w.url, d.attempts,
        floor(extract(epoch from clock_timestamp()))::float8 as now,
        greatest(d.give_up_at, w.receives_from + ${triedDays} * interval '1 day') <= clock_timestamp() as overdue`
    return decodeLeased(rows)[0]
  })

/**
 * Leases the delivery that has been due for the longest time, of the organization with the fewest in progress. After a
 * webhook is enabled again, what waited is tried for as many days as a new delivery.
 */
export const claimDelivery = (leaseMs: number, holder?: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const row = yield* claimed(leaseMs, holder)
    if (row === undefined) return undefined
    const [event] = decodeEventRows(
      yield* sql`
        select e.id, e.sequence::text as sequence, e.type, e.subject, e.data, e.at from events e
        join webhook_deliveries d on d.organization_id = e.organization_id and d.event_id = e.id
        where d.organization_id = ${row.organization_id} and d.id = ${row.delivery}`
    )
    // Its event was deleted just now, and the delivery with it.
    if (event === undefined) return undefined
    const leased: LeasedDelivery = {
      organizationId: row.organization_id,
      id: row.delivery,
      webhook: row.webhook,
      url: row.url,
      attempts: row.attempts,
      at: row.now,
      isLast: row.overdue,
      secrets: yield* validSecrets(row.organization_id, row.webhook),
      body: JSON.stringify(cloudEventOf(row.organization_id, event))
    }
    return leased
  })

/** The row of a delivery, if the lease is still ours. */
const ours = (sql: SqlClient, { attempts, id, organizationId }: LeasedDelivery) =>
  sql`organization_id = ${organizationId} and id = ${id} and attempts = ${attempts} and finished_at is null`

const wrote = (update: (sql: SqlClient) => Effect.Effect<ReadonlyArray<object>, SqlError>) =>
  Effect.map(Effect.flatMap(SqlClient, update), (rows) => rows.length > 0)

/** Records the end of a delivery: it was accepted, or isn't retried any more. Returns whether it was still ours. */
export const finishDelivery = (delivery: LeasedDelivery, { answer, error, status }: Attempt) =>
  wrote(
    (sql) => sql`
      update webhook_deliveries set lease_until = null, lease_holder = null, finished_at = clock_timestamp(), last_status = ${status},
        last_error = ${error}, last_answer = ${answer}
      where ${ours(sql, delivery)} returning 1`
  )

/** Writes when a delivery is tried again. Returns whether it was still ours. */
export const retryDelivery = (delivery: LeasedDelivery, { answer, error, status }: Attempt, ms: number) =>
  wrote(
    (sql) => sql`
      update webhook_deliveries set lease_until = null, lease_holder = null, last_status = ${status}, last_error = ${error},
        last_answer = ${answer}, available_at = clock_timestamp() + ${Math.round(ms)}::float8 * interval '1 millisecond'
      where ${ours(sql, delivery)} returning 1`
  )
