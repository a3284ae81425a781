import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import {
  DeliveryList,
  NotFound,
  type OrganizationId,
  WebhookDelivery,
  type WebhookId,
  WebhookInfo,
  WebhookList
} from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"

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

const webhookColumns = "id, url, types, description, disabled_because, failing_since, created_at"

const readWebhooks = (rows: ReadonlyArray<object>): ReadonlyArray<WebhookInfo> =>
  decodeWebhooks(rows).map(({ created_at, disabled_because, failing_since, ...row }) => ({
    ...row,
    state: disabled_because === null ? "enabled" : "disabled",
    disabledBecause: disabled_because,
    failingSince: text(failing_since),
    createdAt: created_at.toISOString()
  }))

export const pageOfWebhooks = (organizationId: OrganizationId, paging: ReturnType<typeof WebhookList.pagingOf>) =>
  Effect.flatMap(SqlClient, (sql) =>
    selectPage(
      WebhookList,
      {
        createdAt: [
          ["created_at", "time"],
          ["id", "text"]
        ]
      },
      paging,
      ({ isAfter, key, order }) => sql`
        select ${sql.literal(webhookColumns)}, ${key} from webhooks
        where organization_id = ${organizationId} and ${isAfter} ${order}`,
      readWebhooks
    )
  )

/** Lets others change the webhook only after the open transaction. */
export const lockWebhook = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`select 1 from webhooks where organization_id = ${organizationId} and id = ${id} for no key update`
  )

export const webhookOf = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = readWebhooks(
      yield* sql`
        select ${sql.literal(webhookColumns)} from webhooks where organization_id = ${organizationId} and id = ${id}`
    )
    if (found !== undefined) return found
    return yield* new NotFound({
      resource: "webhook",
      resourceName: id,
      detail: `The webhook ${id} doesn't exist. \`maxcloud webhooks list\` shows the existing ones.`
    })
  })

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
      is_enabled: Schema.Boolean,
      created_at: Schema.DateFromSelf,
      finished_at: Instant
    })
  )
)

const deliveryColumns =
  "d.id, d.event_id, e.type, d.attempts, d.last_status, d.last_error, d.last_answer, d.available_at, d.created_at, d.finished_at, w.disabled_because is null as is_enabled"

/** Deliveries `d` with their events `e` and webhooks `w`. */
const deliveryTables =
  "webhook_deliveries d join events e on e.organization_id = d.organization_id and e.id = d.event_id " +
  "join webhooks w on w.organization_id = d.organization_id and w.id = d.webhook_id"

const readDeliveries = (rows: ReadonlyArray<object>): ReadonlyArray<WebhookDelivery> =>
  decodeDeliveries(rows).map((row) => ({
    id: row.id,
    event: row.event_id,
    type: row.type,
    state: row.finished_at === null ? "pending" : row.last_error === null ? "delivered" : "failed",
    attempts: row.attempts,
    lastStatus: row.last_status,
    lastError: row.last_error,
    lastAnswer: row.last_answer,
    nextAttemptAt: row.finished_at === null && row.is_enabled ? row.available_at.toISOString() : null,
    createdAt: row.created_at.toISOString(),
    finishedAt: text(row.finished_at)
  }))

/** Deliveries that a condition on `d` and `e` selects. */
export const selectDeliveries = (rest: Fragment) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(sql`select ${sql.literal(deliveryColumns)} from ${sql.literal(deliveryTables)} ${rest}`, readDeliveries)
  )

export const pageOfDeliveries = (
  organizationId: OrganizationId,
  id: WebhookId,
  paging: ReturnType<typeof DeliveryList.pagingOf>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* webhookOf(organizationId, id)
    return yield* selectPage(
      DeliveryList,
      {
        createdAt: [
          ["d.created_at", "time"],
          ["d.id", "text"]
        ]
      },
      paging,
      ({ isAfter, key, order }) => sql`
        select ${sql.literal(deliveryColumns)}, ${key} from ${sql.literal(deliveryTables)}
        where d.organization_id = ${organizationId} and d.webhook_id = ${id} and ${isAfter} ${order}`,
      readDeliveries
    )
  })
