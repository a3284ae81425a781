import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { newId } from "../../base/database/newId.ts"

/** How long to retry a delivery. */
export const triedDays = 3

/**
 * Queues newly numbered events for the enabled webhooks that want their type, in the transaction that numbers them: an
 * event is queued once for each. `webhook.test` goes to the webhook that it's about. An id consists of the process's own
 * prefix and the event's number, so that ids of deliveries grow with their events.
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
        where e.organization_id = ${organizationId} and e.sequence > ${after} and w.disabled_because is null
          and case when e.type = 'webhook.test' then e.subject = 'webhooks/' || w.id
            else exists (
              select 1 from jsonb_array_elements_text(w.types) p (pattern)
              where p.pattern in ('*', e.type)
                or (p.pattern like '%.*' and starts_with(e.type, left(p.pattern, -1)))) end
        on conflict (organization_id, webhook_id, event_id) do nothing
        returning 1
      )
      select pg_notify('maxcloud', 'webhooks') where exists (select 1 from queued)`
  ).pipe(Effect.asVoid)
