import type {
  ChangeWebhook,
  Conflict,
  CreateWebhook,
  DeliveryList,
  Forbidden,
  InvalidRequest,
  NewWebhook,
  NotFound,
  OrganizationId,
  Page,
  Unavailable,
  WebhookDelivery,
  WebhookDeliveryId,
  WebhookId,
  WebhookInfo,
  WebhookList
} from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/** The URLs that receive an organization's events. */
export class Webhooks extends Context.Tag("@maxcloud/server/Webhooks")<
  Webhooks,
  {
    readonly page: (
      organizationId: OrganizationId,
      paging: ReturnType<typeof WebhookList.pagingOf>
    ) => Effect.Effect<Page<WebhookInfo>, InvalidRequest | Unavailable>
    readonly get: (organizationId: OrganizationId, id: WebhookId) => Effect.Effect<WebhookInfo, NotFound | Unavailable>
    readonly create: (
      organizationId: OrganizationId,
      input: CreateWebhook
    ) => Effect.Effect<NewWebhook, Conflict | Forbidden | Unavailable>
    readonly change: (
      organizationId: OrganizationId,
      id: WebhookId,
      change: ChangeWebhook
    ) => Effect.Effect<WebhookInfo, Forbidden | NotFound | Unavailable>
    readonly remove: (organizationId: OrganizationId, id: WebhookId) => Effect.Effect<void, NotFound | Unavailable>
    /** `Conflict`: as many secrets are valid as may be. Without an overlap, all former ones end. */
    readonly rotateSecret: (
      organizationId: OrganizationId,
      id: WebhookId,
      overlapSeconds: number
    ) => Effect.Effect<NewWebhook, Conflict | NotFound | Unavailable>
    readonly test: (
      organizationId: OrganizationId,
      id: WebhookId
    ) => Effect.Effect<WebhookDelivery, Conflict | NotFound | Unavailable>
    readonly deliveries: (
      organizationId: OrganizationId,
      id: WebhookId,
      paging: ReturnType<typeof DeliveryList.pagingOf>
    ) => Effect.Effect<Page<WebhookDelivery>, InvalidRequest | NotFound | Unavailable>
    readonly redeliver: (
      organizationId: OrganizationId,
      id: WebhookId,
      delivery: WebhookDeliveryId
    ) => Effect.Effect<WebhookDelivery, Conflict | NotFound | Unavailable>
  }
>() {}
