import { createHmac, randomBytes } from "node:crypto"
import type { OrganizationId, WebhookId } from "@maxcloud/sdk/api"
import { Redacted } from "effect"
import type { Place } from "../../base/keys/DataKeys.ts"

const prefix = "whsec_"

/** A new secret: 32 bytes (Standard Webhooks requires 24 to 64). */
export const newSecret = (): Redacted.Redacted => Redacted.make(`${prefix}${randomBytes(32).toString("base64")}`)

export const ownerOf = (id: OrganizationId) => ({ type: "organization", id }) as const
/** The context that a webhook's secret is sealed for. */
export const placeOf = (id: WebhookId): Place => ["webhook", id]

/** The signed text includes the id and the time, so that nobody can replay an old message. `at`: seconds since 1970. */
export interface SignedMessage {
  readonly id: string
  readonly at: number
  readonly body: string
}

/**
 * The headers of a message (Standard Webhooks 1.0). One signature for each secret. A receiver accepts it if one of them
 * is right.
 */
export const signedHeaders = (secrets: ReadonlyArray<Redacted.Redacted>, { at, body, id }: SignedMessage) => {
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(Redacted.value(secret).slice(prefix.length), "base64")
    return `v1,${createHmac("sha256", key).update(`${id}.${at}.${body}`).digest("base64")}`
  })
  return { "webhook-id": id, "webhook-timestamp": String(at), "webhook-signature": signatures.join(" ") }
}
