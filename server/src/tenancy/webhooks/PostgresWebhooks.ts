import { SqlClient } from "@effect/sql/SqlClient"
import {
  type ChangeWebhook,
  Conflict,
  type CreateWebhook,
  Forbidden,
  type NewWebhook,
  NotFound,
  type OrganizationId,
  WebhookDeliveryId,
  WebhookId
} from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { newId } from "../../base/database/newId.ts"
import { notifying } from "../../base/database/notifying.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { Audit } from "../audit/Audit.ts"
import { numberBatch } from "../events/numberEvents.ts"
import { triedDays } from "../events/queueDeliveries.ts"
import { recordEvent } from "../events/recordEvents.ts"
import { auditWebhook } from "./auditWebhook.ts"
import { enable } from "./enable.ts"
import { addSecret, endSecrets } from "./secretRows.ts"
import { refusalOf } from "./send.ts"
import { Webhooks } from "./Webhooks.ts"
import { lockWebhook, pageOfDeliveries, pageOfWebhooks, selectDeliveries, webhookOf } from "./webhookRows.ts"

/** The maximum number of webhooks of an organization. */
const most = 20

/** As it is sent and shown: the host in its canonical form, everything else encoded. */
const canonical = (url: string): string => new URL(url).href

const checkUrl = (url: string, allowPrivate: boolean) => {
  const detail = refusalOf(url, allowPrivate)
  return detail === undefined ? Effect.void : new Forbidden({ detail })
}

const create = (organizationId: OrganizationId, { description, types, url }: CreateWebhook) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`select 1 from organizations where id = ${organizationId} for no key update`
    const present = yield* sql`select 1 from webhooks where organization_id = ${organizationId}`
    if (present.length >= most) {
      return yield* new Conflict({
        detail: `The organization has ${most} webhooks, which is the maximum. Delete one. \`maxcloud webhooks list\` shows them.`
      })
    }
    const id = WebhookId.make(newId("whk"))
    yield* sql`
      insert into webhooks (organization_id, id, url, types, description)
      values (${organizationId}, ${id}, ${canonical(url)}, ${storableJson(types)}::jsonb, ${description})`
    const made: NewWebhook = {
      secret: yield* addSecret(organizationId, id),
      webhook: yield* webhookOf(organizationId, id)
    }
    yield* auditWebhook(organizationId, made.webhook, { action: "webhooks.create", status: 201, after: made.webhook })
    return made
  }).pipe(Effect.catchTag("NotFound", Effect.die))

const change = (
  organizationId: OrganizationId,
  id: WebhookId,
  { description, state, types, url: written }: ChangeWebhook
) =>
  Effect.gen(function* () {
    const url = written === undefined ? undefined : canonical(written)
    const sql = yield* SqlClient
    // An enabled webhook gets what occurred before it was disabled, even if that has no number yet.
    if (state === "enabled") yield* numberBatch(organizationId)
    yield* lockWebhook(organizationId, id)
    const before = yield* webhookOf(organizationId, id)
    // The failures of one URL say nothing about another.
    yield* sql`
      update webhooks set url = ${url ?? before.url}, types = ${storableJson(types === null ? ["*"] : (types ?? before.types))}::jsonb,
        description = ${description === null ? "" : (description ?? before.description)},
        failing_since = case when url = ${url ?? before.url} then failing_since end
      where organization_id = ${organizationId} and id = ${id}`
    if (state === "enabled" && before.state === "disabled") yield* enable(organizationId, id)
    if (state === "disabled" && before.state === "enabled") {
      yield* sql`
        update webhooks set disabled_because = 'member', disabled_at = clock_timestamp()
        where organization_id = ${organizationId} and id = ${id}`
    }
    const after = yield* webhookOf(organizationId, id)
    yield* auditWebhook(organizationId, after, { action: "webhooks.change", status: 200, before, after })
    return after
  })

const remove = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const before = yield* webhookOf(organizationId, id)
    yield* sql`delete from webhooks where organization_id = ${organizationId} and id = ${id}`
    yield* auditWebhook(organizationId, before, { action: "webhooks.delete", status: 204, before })
  })

const rotate = (organizationId: OrganizationId, id: WebhookId, overlapSeconds: number) =>
  Effect.gen(function* () {
    yield* lockWebhook(organizationId, id)
    const webhook = yield* webhookOf(organizationId, id)
    yield* endSecrets(organizationId, id, overlapSeconds)
    const made: NewWebhook = { webhook, secret: yield* addSecret(organizationId, id) }
    yield* auditWebhook(organizationId, webhook, { action: "webhooks.rotateSecret", status: 201 })
    return made
  })

/** The webhook, if anything is sent to it. */
const enabledWebhook = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const webhook = yield* webhookOf(organizationId, id)
    if (webhook.state === "enabled") return webhook
    return yield* new Conflict({
      detail: `The webhook ${id} is disabled. Enable it first: \`maxcloud webhooks enable ${id}\`.`
    })
  })

/** Queues the test by itself, so that the answer names its delivery. It is sent once its event has a number. */
const test = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const webhook = yield* enabledWebhook(organizationId, id)
    const event = yield* recordEvent(organizationId, {
      type: "webhook.test",
      subject: `webhooks/${id}`,
      data: { webhook: id }
    })
    const delivery = WebhookDeliveryId.make(newId("dlv"))
    yield* sql`
      insert into webhook_deliveries (organization_id, id, webhook_id, event_id, give_up_at)
      values (${organizationId}, ${delivery}, ${id}, ${event}, clock_timestamp() + ${triedDays} * interval '1 day')`
    const queued = yield* deliveryOf(organizationId, id, delivery)
    yield* auditWebhook(organizationId, webhook, { action: "webhooks.test", status: 202, delivery })
    return queued
  })

const deliveryOf = (organizationId: OrganizationId, id: WebhookId, delivery: WebhookDeliveryId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = yield* selectDeliveries(
      sql`where d.organization_id = ${organizationId} and d.webhook_id = ${id} and d.id = ${delivery}`
    )
    if (found !== undefined) return found
    return yield* new NotFound({
      resource: "webhookDelivery",
      resourceName: delivery,
      detail: `The webhook ${id} has no delivery ${delivery}. \`maxcloud webhooks deliveries ${id}\` shows them.`
    })
  })

const redeliver = (organizationId: OrganizationId, id: WebhookId, delivery: WebhookDeliveryId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const webhook = yield* enabledWebhook(organizationId, id)
    // `attempts` grows, so that a server that is still at the former attempt writes nothing.
    yield* sql`
      update webhook_deliveries set finished_at = null, lease_until = null, attempts = attempts + 1,
        available_at = clock_timestamp(), give_up_at = clock_timestamp() + ${triedDays} * interval '1 day'
      where organization_id = ${organizationId} and webhook_id = ${id} and id = ${delivery}`
    yield* sql`select ${notifying(sql, "webhooks")}`
    const queued = yield* deliveryOf(organizationId, id, delivery)
    yield* auditWebhook(organizationId, webhook, { action: "webhooks.redeliver", status: 202, delivery })
    return queued
  })

/** `Webhooks` in the tables `webhooks` and `webhook_deliveries`. `allowPrivate`: local mode. */
export const layer = ({ allowPrivate }: { readonly allowPrivate: boolean }) =>
  Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<SqlClient | DataKeys | Audit>()
      const inOne = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        transaction(effect).pipe(orUnavailable, Effect.provide(context))

      return {
        page: (organizationId, paging) => inOne(pageOfWebhooks(organizationId, paging)),
        get: (organizationId, id) => inOne(webhookOf(organizationId, id)),
        create: (organizationId, input) =>
          Effect.andThen(checkUrl(input.url, allowPrivate), inOne(create(organizationId, input))),
        change: (organizationId, id, input) =>
          Effect.andThen(
            input.url === undefined ? Effect.void : checkUrl(input.url, allowPrivate),
            inOne(change(organizationId, id, input))
          ),
        remove: (organizationId, id) => inOne(remove(organizationId, id)),
        rotateSecret: (organizationId, id, overlapSeconds) => inOne(rotate(organizationId, id, overlapSeconds)),
        test: (organizationId, id) => inOne(test(organizationId, id)),
        deliveries: (organizationId, id, paging) => inOne(pageOfDeliveries(organizationId, id, paging)),
        redeliver: (organizationId, id, delivery) => inOne(redeliver(organizationId, id, delivery))
      }
    })
  )
