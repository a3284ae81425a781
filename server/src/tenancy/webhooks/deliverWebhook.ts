import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Option, Schedule } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import { within } from "../../base/node/monotonic.ts"
import { recordEvents } from "../events/recordEvents.ts"
import type { Mail } from "../mail/Mail.ts"
import { finishDelivery, type LeasedDelivery, retryDelivery } from "./deliveryRows.ts"
import { mailDisabled } from "./mailDisabled.ts"
import { deliveryBackoffMs, failingDays } from "./schedule.ts"
import type { Attempt, Send } from "./send.ts"
import { ownerOf, placeOf, signedHeaders } from "./signing.ts"

const attempt = (
  keys: typeof DataKeys.Service,
  send: Send,
  { at, body, organizationId, secrets, url, webhook }: LeasedDelivery,
  eventId: string
) =>
  Effect.gen(function* () {
    const opened = yield* Effect.forEach(secrets, (sealed) =>
      keys.open(ownerOf(organizationId), placeOf(webhook), sealed)
    )
    const headers = signedHeaders(opened.flatMap(Option.toArray), { id: eventId, at, body })
    return yield* send(
      url,
      { ...headers, "content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "max-cloud-webhooks" },
      body
    )
  }).pipe(
    Effect.catchTag("MasterKeyError", () =>
      Effect.succeed<Attempt>({ status: null, error: "The server couldn't open the webhook's secret.", answer: null })
    )
  )

/** A delivery succeeded: the webhook isn't failing any more, unless its URL has changed since. */
const recover = ({ organizationId, url, webhook }: LeasedDelivery) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      update webhooks set failing_since = null
      where organization_id = ${organizationId} and id = ${webhook} and url = ${url} and failing_since is not null`
  )

/**
 * A delivery failed: records since when, and disables the webhook if it has failed for days, or if the receiver says
 * that it's gone. The answer of a former URL says nothing about the present one.
 */
const noteFailure = (
  mail: typeof Mail.Service,
  { organizationId, url, webhook }: LeasedDelivery,
  status: number | null
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const because = status === 410 ? "gone" : "failing"
    const disabled = yield* sql`
      update webhooks set failing_since = coalesce(failing_since, clock_timestamp()),
        disabled_because = case
          when ${because === "gone"} or failing_since < clock_timestamp() - ${failingDays} * interval '1 day' then ${because}
        end,
        disabled_at = case
          when ${because === "gone"} or failing_since < clock_timestamp() - ${failingDays} * interval '1 day' then clock_timestamp()
        end
      where organization_id = ${organizationId} and id = ${webhook} and url = ${url} and disabled_because is null
      returning disabled_because is not null as disabled`
    if (disabled[0]?.disabled !== true) return
    yield* recordEvents(organizationId, {
      type: "webhook.disabled",
      subject: `webhooks/${webhook}`,
      data: { webhook, because }
    })
    yield* mailDisabled(mail, organizationId, webhook, new URL(url).host, because)
  })

/** Sends a delivery, and records the outcome. */
export const deliverWebhook = (
  keys: typeof DataKeys.Service,
  mail: typeof Mail.Service,
  send: Send,
  leaseMs: number,
  delivery: LeasedDelivery
) =>
  Effect.gen(function* () {
    const { id }: { readonly id: string } = JSON.parse(delivery.body)
    const made = yield* attempt(keys, send, delivery, id)
    const write = Effect.gen(function* () {
      const isOurs =
        made.error === null || delivery.isLast
          ? yield* finishDelivery(delivery, made)
          : yield* retryDelivery(delivery, made, deliveryBackoffMs(delivery.attempts, made.retryAfterMs))
      // Another server has the delivery, or somebody redelivered it: this attempt says nothing about the webhook either.
      if (!isOurs) return
      yield* made.error === null ? recover(delivery) : noteFailure(mail, delivery, made.status)
    })
    // The database may be unreachable for a moment. A delivery without a recorded outcome is repeated.
    yield* Effect.retry(transaction(write), Schedule.spaced("250 millis").pipe(within(leaseMs / 4)))
  }).pipe(Effect.catchAllCause((cause) => Effect.logWarning("Couldn't record a webhook's delivery.", cause)))
