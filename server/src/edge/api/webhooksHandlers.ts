import { HttpApiBuilder, HttpServerRequest, HttpServerResponse } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi, WebhookDelivery } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { Webhooks } from "../../tenancy/webhooks/Webhooks.ts"
import { nextPage } from "./nextPage.ts"

const encodeDeliveries = Schema.encodeSync(Schema.Array(WebhookDelivery))

export const webhooksHandlers = HttpApiBuilder.group(MaxCloudApi, "webhooks", (handlers) =>
  Effect.gen(function* () {
    const webhooks = yield* Webhooks
    return handlers
      .handle("list", () => Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.list(id)))
      .handle("create", ({ payload }) => Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.create(id, payload)))
      .handle("get", ({ path }) => Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.get(id, path.id)))
      .handle("change", ({ path, payload }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.change(id, path.id, payload))
      )
      .handle("delete", ({ path }) =>
        Effect.asVoid(Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.remove(id, path.id)))
      )
      .handle("rotateSecret", ({ path, payload }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.rotateSecret(id, path.id, payload.overlapSeconds))
      )
      .handle("test", ({ path }) => Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.test(id, path.id)))
      .handle("deliveries", ({ path, urlParams }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          const request = yield* HttpServerRequest.HttpServerRequest
          const { cursor: before, limit } = urlParams
          const found = yield* webhooks.deliveries(id, path.id, { before, limit: limit + 1 })
          const page = found.slice(0, limit)
          const last = page.at(-1)
          return HttpServerResponse.unsafeJson(encodeDeliveries(page), {
            headers: found.length > limit && last !== undefined ? { link: nextPage(request.url, last.id) } : {}
          })
        })
      )
      .handle("redeliver", ({ path }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.redeliver(id, path.id, path.delivery))
      )
  })
)
