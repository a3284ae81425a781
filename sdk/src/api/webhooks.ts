import { quoted, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { eventTypes, frequentTypes, matchesType } from "./eventKinds.ts"
import { EventPattern } from "./events.ts"
import { EventId, WebhookDeliveryId, WebhookId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"
import { visibleText } from "./visibleText.ts"

const form = 'Use a form such as "https://example.com/hooks".'

const urlFault = (written: string): string | undefined => {
  // Parsers of URLs drop line breaks and tabs, and take a backslash for a slash: readers would see another URL.
  if (/[\s\\\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(written))
    return "The URL has a space, a line break, a backslash or an invisible character. Remove it, or encode it, such as %20."
  const url = URL.canParse(written) ? new URL(written) : undefined
  if (url === undefined) return `This isn't a URL. ${form}`
  if (!/^https?:$/.test(url.protocol)) return `A webhook's URL can't begin with "${url.protocol.slice(0, 40)}". ${form}`
  return url.username === "" && url.password === "" && url.hash === ""
    ? undefined
    : `A webhook needs a URL without a user name or a fragment. ${form}`
}

const WebhookUrl = textUpTo(2_000, "The URL").pipe(
  Schema.filter((written) => urlFault(written) ?? true, {
    arbitrary: () => (fc) => fc.constantFrom("https://example.com/hooks", "http://10.0.0.7:8080/?key=1")
  })
)
/** A webhook gets a frequent type only if it names it in full, so a pattern that matches nothing else would receive nothing. */
const DeliveredPattern = EventPattern.pipe(
  Schema.filter((written) => {
    const matched = eventTypes.filter((type) => matchesType(written, type))
    return (
      matched.some((type) => type === written || !frequentTypes.includes(type)) ||
      `${quoted(written)} only matches frequent types, which a webhook gets only by their full names: ${matched.map((type) => `"${type}"`).join(", ")}.`
    )
  })
)
const EventPatterns = Schema.Array(DeliveredPattern).pipe(Schema.minItems(1), Schema.maxItems(20))
const Description = visibleText(200, "The description")

/** A URL that receives events. `types` selects them, as in a query of events. */
export const WebhookInfo = Schema.Struct({
  id: WebhookId,
  url: Schema.String,
  types: Schema.Array(Schema.String),
  description: TextOrNull,
  /** `disabled` means that nothing is sent until somebody enables it. */
  state: openEnum("enabled", "disabled"),
  /** Why it was disabled: `failing` for days, `gone` (the receiver responded with 410), or by a `member`; null while enabled. */
  disabledBecause: Schema.NullOr(openEnum("failing", "gone", "member")),
  /** Since when no delivery has succeeded; null if the last one did. */
  failingSince: Schema.NullOr(Time),
  createdAt: Time
}).annotations({ identifier: "WebhookInfo" })
export interface WebhookInfo extends Schema.Schema.Type<typeof WebhookInfo> {}

export const WebhookList = listOf(WebhookInfo, { name: "webhooks", sorts: ["createdAt"], filters: {} })

export const CreateWebhook = Schema.Struct({
  url: WebhookUrl,
  /** @default all */
  types: Schema.optionalWith(EventPatterns, { default: () => ["*"] }),
  description: Schema.optionalWith(Description, { default: () => "" })
}).annotations({ identifier: "CreateWebhook", ...knownKeysOnly })
export interface CreateWebhook extends Schema.Schema.Type<typeof CreateWebhook> {}

/** What to change; absent members stay, and null gives one its default (RFC 7396). Enabling sends what waited, and what happens from then on. */
export const ChangeWebhook = Schema.Struct({
  url: Schema.optional(WebhookUrl),
  types: Schema.optional(Schema.NullOr(EventPatterns)),
  description: Schema.optional(Schema.NullOr(Description)),
  state: Schema.optional(Schema.Literal("enabled", "disabled"))
}).annotations({ identifier: "ChangeWebhook", ...knownKeysOnly })
export interface ChangeWebhook extends Schema.Schema.Type<typeof ChangeWebhook> {}

export const NewWebhook = Schema.Struct({
  webhook: WebhookInfo,
  /** `whsec_…`, to check the signatures. No later response contains it. */
  secret: Schema.Redacted(Schema.String)
}).annotations({ identifier: "NewWebhook" })
export interface NewWebhook extends Schema.Schema.Type<typeof NewWebhook> {}

export const RotateWebhookSecret = Schema.Struct({
  /** How long deliveries are signed by the former secret too, in seconds: up to 30 days. 0: every former secret ends now. */
  overlapSeconds: Schema.optionalWith(Schema.Int.pipe(Schema.between(0, 2_592_000)), { default: () => 86_400 })
}).annotations({ identifier: "RotateWebhookSecret", ...knownKeysOnly })

/** One event for one webhook, until the receiver accepts it. */
export const WebhookDelivery = Schema.Struct({
  id: WebhookDeliveryId,
  event: EventId,
  type: Schema.String,
  /** `failed` means that the server no longer retries. Redeliver it to retry. */
  state: openEnum("pending", "delivered", "failed"),
  attempts: Schema.Int,
  /** The HTTP status of the last response; null if there was none. */
  lastStatus: Schema.NullOr(Schema.Int),
  /** Why the last attempt failed. */
  lastError: Schema.NullOr(Schema.String),
  /** The start of the last response's body. */
  lastAnswer: Schema.NullOr(Schema.String),
  /** null: it is finished, or waits until its webhook is enabled. */
  nextAttemptAt: Schema.NullOr(Time),
  createdAt: Time,
  finishedAt: Schema.NullOr(Time)
}).annotations({ identifier: "WebhookDelivery" })
export interface WebhookDelivery extends Schema.Schema.Type<typeof WebhookDelivery> {}

export const DeliveryList = listOf(WebhookDelivery, { name: "webhookDeliveries", sorts: ["-createdAt"], filters: {} })
