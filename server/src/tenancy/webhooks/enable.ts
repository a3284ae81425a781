import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId, WebhookId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { notifying } from "../../base/database/notifying.ts"

/** Deliveries that enabling a webhook makes due at most: a transaction of bounded length. Any more keep their pauses. */
const dueAtOnce = 1_000

/**
 * Enables a webhook, in the open transaction. What waited is due now, since whoever enables it has just mended the receiver. A delivery
 * that is in progress is skipped: its writer holds the row and needs ours next.
 */
export const enable = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`
      update webhooks set disabled_because = null, disabled_at = null, failing_since = null, receives_from = clock_timestamp()
      where organization_id = ${organizationId} and id = ${id}`
    yield* sql`
      with waiting as (
        select organization_id, id from webhook_deliveries
        where organization_id = ${organizationId} and webhook_id = ${id} and finished_at is null
        order by id limit ${dueAtOnce} for update skip locked
      )
      update webhook_deliveries d set available_at = clock_timestamp() from waiting w
      where d.organization_id = w.organization_id and d.id = w.id`
    yield* sql`select ${notifying(sql, "webhooks")}`
  })
