import { SqlClient } from "@effect/sql/SqlClient"
import { frequentTypes, type OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { newId } from "../../base/database/newId.ts"
import { notifying } from "../../base/database/notifying.ts"

/** How long to retry a delivery. */
export const triedDays = 3

/**
 * Queues newly numbered events for the webhooks that want their type, in the transaction that numbers them: an event is
 * queued once for each, if it occurred while the webhook was enabled. If the database's clock was set back,
 * `receives_from` is in the future. It counts as reached: otherwise nothing would be sent until the clock catches up.
 * Frequent types only go to webhooks that name them in full. `webhook.test` isn't among them: the test queues it. An id consists of the process's own prefix and the event's
 * number, so that ids of deliveries grow with their events.
 */
export const queueDeliveries = (organizationId: OrganizationId, after: number) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      with queued as (
        insert into webhook_deliveries (organization_id, id, webhook_id, event_id, give_up_at)
        select e.organization_id, ${newId("dlv").slice(0, 24)} || lpad(to_hex(row_number() over (order by e.sequence, w.id)), 12, '0'),
          w.id, e.id, clock_timestamp() + ${triedDays} * interval '1 day'
        from events e join webhooks w on w.organization_id = e.organization_id
        where e.organization_id = ${organizationId} and e.sequence > ${after} and e.type <> 'webhook.test'
          and (e.at >= w.receives_from or w.receives_from > clock_timestamp())
          and (w.disabled_because is null or e.at < w.disabled_at)
          and exists (
            select 1 from jsonb_array_elements_text(w.types) p (pattern)
            where p.pattern = e.type or (not ${sql.in("e.type", frequentTypes)}
              and (p.pattern = '*' or (p.pattern like '%.*' and starts_with(e.type, left(p.pattern, -1))))))
        on conflict (organization_id, webhook_id, event_id) do nothing
        returning 1
      )
      select ${notifying(sql, "webhooks")} where exists (select 1 from queued) or exists (
        select 1 from events e where e.organization_id = ${organizationId} and e.sequence > ${after} and e.type = 'webhook.test')`
  ).pipe(Effect.asVoid)
