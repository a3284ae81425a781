import { SqlClient } from "@effect/sql/SqlClient"
import {
  type ChangeWebhook,
  Conflict,
  type CreateWebhook,
  Forbidden,
  type NewWebhook,
  NotFound,
  type OrganizationId,
  type WebhookDeliveryId,
  WebhookId
} from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { newId } from "../../base/database/newId.ts"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable, transaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { newestSequence } from "../events/numberEvents.ts"
import { triedDays } from "../events/queueDeliveries.ts"
import { recordEvents } from "../events/recordEvents.ts"
import { noteCarriedOut } from "../repeats/KeyedRequest.ts"
import { refusalOf } from "./send.ts"
import { newSecret, ownerOf, placeOf } from "./signing.ts"
import { Webhooks } from "./Webhooks.ts"
import { pageOfDeliveries, pageOfWebhooks, selectDeliveries, webhookOf } from "./webhookRows.ts"

/** The maximum number of webhooks of an organization. */
const most = 20

const checkUrl = (url: string, allowPrivate: boolean) => {
  const detail = refusalOf(url, allowPrivate)
  return detail === undefined ? Effect.void : new Forbidden({ detail })
}

const sealNew = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const keys = yield* DataKeys
    const secret = newSecret()
    const sealed = yield* keys.seal(ownerOf(organizationId), placeOf(id), secret)
    return { secret, keyId: sealed.keyId, bytes: Buffer.from(sealed.bytes) }
  })

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
    const { bytes, keyId, secret } = yield* sealNew(organizationId, id)
    yield* sql`
      insert into webhooks (organization_id, id, url, types, description, secret_by, secret)
      values (${organizationId}, ${id}, ${url}, ${storableJson(types)}::jsonb, ${description}, ${keyId}, ${bytes})`
    const made: NewWebhook = { webhook: yield* webhookOf(organizationId, id), secret }
    return made
  }).pipe(Effect.catchTag("NotFound", Effect.die))

const change = (organizationId: OrganizationId, id: WebhookId, { description, state, types, url }: ChangeWebhook) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const now = yield* webhookOf(organizationId, id)
    yield* sql`
      update webhooks set url = ${url ?? now.url}, types = ${storableJson(types === null ? ["*"] : (types ?? now.types))}::jsonb,
        description = ${description === null ? "" : (description ?? now.description)}
      where organization_id = ${organizationId} and id = ${id}`
    if (state === "enabled") {
      yield* sql`
        update webhooks set disabled_because = null, failing_since = null
        where organization_id = ${organizationId} and id = ${id}`
      yield* sql`select pg_notify('maxcloud', 'webhooks')`
    }
    if (state === "disabled") {
      yield* sql`
        update webhooks set disabled_because = coalesce(disabled_because, 'member')
        where organization_id = ${organizationId} and id = ${id}`
    }
    return yield* webhookOf(organizationId, id)
  })

const rotate = (organizationId: OrganizationId, id: WebhookId, overlapSeconds: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const webhook = yield* webhookOf(organizationId, id)
    const { bytes, keyId, secret } = yield* sealNew(organizationId, id)
    yield* sql`
      update webhooks set former_by = secret_by, former = secret, secret_by = ${keyId}, secret = ${bytes},
        former_until = clock_timestamp() + ${overlapSeconds} * interval '1 second'
      where organization_id = ${organizationId} and id = ${id}`
    const made: NewWebhook = { webhook, secret }
    return made
  })

/** The newest delivery that a condition selects. */
const newest = (organizationId: OrganizationId, id: WebhookId, type: string) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [found] = yield* selectDeliveries(sql`
      where d.organization_id = ${organizationId} and d.webhook_id = ${id} and e.type = ${type}
      order by d.created_at desc, d.id desc limit 1`)
    return found ?? (yield* Effect.dieMessage("couldn't queue a test event"))
  })

const test = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const { state } = yield* webhookOf(organizationId, id)
    if (state !== "enabled") {
      return yield* new Conflict({
        detail: `The webhook ${id} is disabled. Enable it first: \`maxcloud webhooks enable ${id}\`.`
      })
    }
    yield* recordEvents(organizationId, { type: "webhook.test", subject: `webhooks/${id}`, data: { webhook: id } })
    yield* newestSequence(organizationId)
    return yield* newest(organizationId, id, "webhook.test")
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
    // `attempts` grows, so that a server that's still at the former attempt writes nothing.
    yield* sql`
      update webhook_deliveries set finished_at = null, lease_until = null, attempts = attempts + 1,
        available_at = clock_timestamp(), give_up_at = clock_timestamp() + ${triedDays} * interval '1 day'
      where organization_id = ${organizationId} and webhook_id = ${id} and id = ${delivery}`
    yield* sql`select pg_notify('maxcloud', 'webhooks')`
    return yield* deliveryOf(organizationId, id, delivery)
  })

/** `Webhooks` in the tables `webhooks` and `webhook_deliveries`. `allowPrivate`: local mode. */
export const layer = ({ allowPrivate }: { readonly allowPrivate: boolean }) =>
  Layer.effect(
    Webhooks,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<SqlClient | DataKeys>()
      const inOne = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        transaction(effect).pipe(orUnavailable, Effect.provide(context))
      const changing = <A, E, R>(effect: Effect.Effect<A, E, R>) => inOne(Effect.tap(effect, () => noteCarriedOut()))

      return {
        page: (organizationId, paging) => inOne(pageOfWebhooks(organizationId, paging)),
        get: (organizationId, id) => inOne(webhookOf(organizationId, id)),
        create: (organizationId, input) =>
          Effect.andThen(
            checkUrl(input.url, allowPrivate),
            changing(create(organizationId, input)).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))
          ),
        change: (organizationId, id, input) =>
          Effect.andThen(
            input.url === undefined ? Effect.void : checkUrl(input.url, allowPrivate),
            changing(change(organizationId, id, input))
          ),
        remove: (organizationId, id) =>
          changing(
            Effect.andThen(
              webhookOf(organizationId, id),
              Effect.flatMap(
                SqlClient,
                (sql) => sql`delete from webhooks where organization_id = ${organizationId} and id = ${id}`
              )
            )
          ),
        rotateSecret: (organizationId, id, overlapSeconds) =>
          changing(rotate(organizationId, id, overlapSeconds)).pipe(
            Effect.catchTag("MasterKeyError", masterKeyUnavailable)
          ),
        test: (organizationId, id) => changing(test(organizationId, id)),
        deliveries: (organizationId, id, paging) => inOne(pageOfDeliveries(organizationId, id, paging)),
        redeliver: (organizationId, id, delivery) => changing(redeliver(organizationId, id, delivery))
      }
    })
  )
