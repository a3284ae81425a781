import type { OperationName, OrganizationId, WebhookInfo } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import { Audit } from "../audit/Audit.ts"
import { publicDigest } from "../audit/publicDigest.ts"

/** Its URL without what may be a password or a key in it: many receivers have theirs in the path. */
const shownUrl = (written: string) => new URL(written).origin

const digestOf = ({ description, id, state, types, url }: WebhookInfo) =>
  publicDigest({ description, id, state, types, url: shownUrl(url) })

/** What was done with a webhook. `delivery`: with this one of its deliveries. */
interface Done {
  readonly action: Extract<OperationName, `webhooks.${string}`>
  readonly status: number
  readonly before?: WebhookInfo
  readonly after?: WebhookInfo
  readonly delivery?: string
}

/** Appends the entry of a change to the audit log, as the last step of the transaction that makes it. */
export const auditWebhook = (
  organizationId: OrganizationId,
  webhook: WebhookInfo,
  { action, after, before, delivery, status }: Done
) =>
  Effect.flatMap(Audit, (audit) =>
    audit
      .append({
        action,
        outcome: "succeeded",
        status,
        subject:
          `webhook ${webhook.id} ${delivery === undefined ? "" : `delivery ${delivery} `}${shownUrl(webhook.url)}`.slice(
            0,
            300
          ),
        organizationId,
        before: before === undefined ? undefined : digestOf(before),
        after: after === undefined ? undefined : digestOf(after)
      })
      .pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))
  )
