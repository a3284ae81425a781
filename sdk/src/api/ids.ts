import { Schema } from "effect"

/** Sortable, typed ids: a prefix, `_`, and a UUIDv7 without hyphens. */
const id = <Brand extends string>(brand: Brand, prefix: string) =>
  Schema.String.pipe(
    Schema.pattern(new RegExp(`^${prefix}_[0-9a-f]{32}$`), {
      message: () => `Use an id as the API returns it: "${prefix}_" and 32 hexadecimal digits.`
    }),
    Schema.brand(brand)
  )

export const OrganizationId = id("OrganizationId", "org")
export type OrganizationId = typeof OrganizationId.Type

export const ServiceId = id("ServiceId", "svc")
export type ServiceId = typeof ServiceId.Type

export const DeploymentId = id("DeploymentId", "dep")
export type DeploymentId = typeof DeploymentId.Type

export const UserId = id("UserId", "usr")
export type UserId = typeof UserId.Type

export const SessionId = id("SessionId", "ses")
export type SessionId = typeof SessionId.Type

export const ApiKeyId = id("ApiKeyId", "key")
export type ApiKeyId = typeof ApiKeyId.Type

export const InviteId = id("InviteId", "inv")
export type InviteId = typeof InviteId.Type

export const EventId = id("EventId", "evt")
export type EventId = typeof EventId.Type

export const WebhookId = id("WebhookId", "whk")
export type WebhookId = typeof WebhookId.Type

export const WebhookDeliveryId = id("WebhookDeliveryId", "dlv")
export type WebhookDeliveryId = typeof WebhookDeliveryId.Type

export const OidcTrustId = id("OidcTrustId", "oidc")
export type OidcTrustId = typeof OidcTrustId.Type

/**
 * The id of a plan: `plan_`, the number of the deployment that it is based on (0: none), and digests of what would be applied. Each plan computes
 * it again; it stays the same as long as none of these changes.
 */
export const PlanId = Schema.String.pipe(
  Schema.filter(
    (text) =>
      /^plan_(0|[1-9]\d{0,9})_[0-9a-f]{8}_[0-9a-f]{64}$/.test(text) ||
      "This isn't a plan's id. `maxcloud plan --json` shows it as `id`.",
    { jsonSchema: { pattern: "^plan_(0|[1-9][0-9]{0,9})_[0-9a-f]{8}_[0-9a-f]{64}$" } }
  ),
  Schema.brand("PlanId")
)
export type PlanId = typeof PlanId.Type
