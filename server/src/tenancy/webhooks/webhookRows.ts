import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { NotFound, type OrganizationId, WebhookDelivery, type WebhookId, WebhookInfo } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"

const Instant = Schema.NullOr(Schema.DateFromSelf)
const text = (at: Date | null) => at?.toISOString() ?? null

const decodeWebhooks = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: WebhookInfo.fields.id,
      url: Schema.String,
      types: WebhookInfo.fields.types,
      description: Schema.String,
      disabled_because: Schema.NullOr(Schema.Literal("failing", "gone", "member")),
      failing_since: Instant,
      created_at: Schema.DateFromSelf
    })
  )
)

/** The organization's webhooks, oldest first; or the one of this id. */
export const selectWebhooks = (organizationId: OrganizationId, id?: WebhookId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select id, url, types, description, disabled_because, failing_since, created_at from webhooks
      where organization_id = ${organizationId} and ${id === undefined ? sql`true` : sql`id = ${id}`} order by id`
  ).pipe(
    Effect.map(
      (rows): ReadonlyArray<WebhookInfo> =>
        decodeWebhooks(rows).map(({ created_at, disabled_because, failing_since, ...row }) => ({
          ...row,
          state: disabled_because === null ? "enabled" : "disabled",
          disabledBecause: disabled_because,
          failingSince: text(failing_since),
          createdAt: created_at.toISOString()
        }))
    )
  )

export const webhookOf = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.flatMap(selectWebhooks(organizationId, id), ([found]) =>
    found === undefined
      ? new NotFound({
          resource: "webhook",
          name: id,
          detail: `There is no webhook ${id}. \`maxcloud webhooks list\` shows those that there are.`
        })
      : Effect.succeed(found)
  )

const decodeDeliveries = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: WebhookDelivery.fields.id,
      event_id: WebhookDelivery.fields.event,
      type: Schema.String,
      attempts: Schema.Int,
      last_status: Schema.NullOr(Schema.Int),
      last_error: Schema.NullOr(Schema.String),
      last_answer: Schema.NullOr(Schema.String),
      available_at: Schema.DateFromSelf,
      created_at: Schema.DateFromSelf,
      finished_at: Instant
    })
  )
)

/** Deliveries `d` that a condition selects. */
export const selectDeliveries = (rest: Fragment) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select d.id, d.event_id, e.type, d.attempts, d.last_status, d.last_error, d.last_answer, d.available_at, d.created_at,
        d.finished_at
      from webhook_deliveries d join events e on e.organization_id = d.organization_id and e.id = d.event_id ${rest}`
  ).pipe(
    Effect.map(
      (rows): ReadonlyArray<WebhookDelivery> =>
        decodeDeliveries(rows).map((row) => ({
          id: row.id,
          event: row.event_id,
          type: row.type,
          state: row.finished_at === null ? "pending" : row.last_error === null ? "delivered" : "failed",
          attempts: row.attempts,
          lastStatus: row.last_status,
          lastError: row.last_error,
          lastAnswer: row.last_answer,
          nextAttemptAt: row.finished_at === null ? row.available_at.toISOString() : null,
          createdAt: row.created_at.toISOString(),
          finishedAt: text(row.finished_at)
        }))
    )
  )
