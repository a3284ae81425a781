import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, DeliveryList, MaxCloudApi, WebhookList } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Webhooks } from "../../../tenancy/webhooks/Webhooks.ts"
import { answerPage } from "./answerPage.ts"

export const webhooksHandlers = HttpApiBuilder.group(MaxCloudApi, "webhooks", (handlers) =>
  Effect.gen(function* () {
    const webhooks = yield* Webhooks
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) =>
          answerPage(WebhookList, webhooks.page(id, WebhookList.pagingOf(urlParams)))
        )
      )
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
        Effect.flatMap(CurrentOrganization, ({ id }) =>
          answerPage(DeliveryList, webhooks.deliveries(id, path.id, DeliveryList.pagingOf(urlParams)))
        )
      )
      .handle("redeliver", ({ path }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => webhooks.redeliver(id, path.id, path.delivery))
      )
  })
)
