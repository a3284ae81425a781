import { Effect } from "effect"
import {
  ChangeWebhook,
  CreateWebhook,
  DeliveryList,
  type NewWebhook,
  RotateWebhookSecret,
  type WebhookDelivery,
  WebhookDeliveryId,
  WebhookId,
  type WebhookInfo,
  WebhookList
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed, parseOptions } from "../input/parse.ts"
import type { RotationOptions } from "./authCalls.ts"
import { type Calling, given } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

export interface WebhookInput {
  readonly url: string
  /** Types of events such as `deployment.failed` or `deployment.*`. @default all */
  readonly types?: ReadonlyArray<string> | undefined
  readonly description?: string | undefined
}

export interface WebhookChange extends Partial<Pick<WebhookInput, "url">> {
  /** `null` means all. */
  readonly types?: ReadonlyArray<string> | null | undefined
  readonly description?: string | null | undefined
  readonly state?: "enabled" | "disabled" | undefined
}

export interface WebhookFilter extends Pick<typeof WebhookList.parameters.Type, "sort"> {}
export interface DeliveryFilter extends Pick<typeof DeliveryList.parameters.Type, "sort"> {}

/** URLs that receive events. */
export const webhookCalls = ({ api, call }: Calling) => ({
  /** Oldest first. */
  list: listing(WebhookList)((page, filter?: WebhookFilter) =>
    Effect.flatMap(pageRequest(WebhookList, filter, page), (urlParams) =>
      call(api.webhooks.list({ urlParams, withResponse: true }))
    )
  ),

  /** Returns the secret that signs its deliveries. No later response contains it. */
  create: (input: WebhookInput): Effect.Effect<NewWebhook, CallError> =>
    parsed(CreateWebhook, given(input), (payload) => call(api.webhooks.create({ payload }))),

  get: (id: string): Effect.Effect<WebhookInfo, CallError> =>
    parsed(WebhookId, id, (id) => call(api.webhooks.get({ path: { id } }))),

  change: (id: string, change: WebhookChange): Effect.Effect<WebhookInfo, CallError> =>
    parsed(WebhookId, id, (id) =>
      parsed(ChangeWebhook, given(change), (payload) => call(api.webhooks.change({ path: { id }, payload })))
    ),

  delete: (id: string): Effect.Effect<void, CallError> =>
    parsed(WebhookId, id, (id) => call(api.webhooks.delete({ path: { id } }))),

  /** Both secrets sign for a day, or for `overlapSeconds`. */
  rotateSecret: (id: string, options?: RotationOptions): Effect.Effect<NewWebhook, CallError> =>
    parsed(WebhookId, id, (id) =>
      Effect.flatMap(parseOptions<RotationOptions>(options, { overlapSeconds: "number" }), (given) =>
        parsed(RotateWebhookSecret, given, (payload) => call(api.webhooks.rotateSecret({ path: { id }, payload })))
      )
    ),

  /** Sends the event `webhook.test`. */
  test: (id: string): Effect.Effect<WebhookDelivery, CallError> =>
    parsed(WebhookId, id, (id) => call(api.webhooks.test({ path: { id } }))),

  /** Newest first. */
  deliveries: listing(DeliveryList)((page, id: string, filter?: DeliveryFilter) =>
    parsed(WebhookId, id, (id) =>
      Effect.flatMap(pageRequest(DeliveryList, filter, page), (urlParams) =>
        call(api.webhooks.deliveries({ path: { id }, urlParams, withResponse: true }))
      )
    )
  ),

  redeliver: (id: string, delivery: string): Effect.Effect<WebhookDelivery, CallError> =>
    parsed(WebhookId, id, (id) =>
      parsed(WebhookDeliveryId, delivery, (delivery) => call(api.webhooks.redeliver({ path: { id, delivery } })))
    )
})
