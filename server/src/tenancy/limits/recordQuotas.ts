import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Target } from "../../base/words/Target.ts"
import { type NewEvent, recordEvents } from "../events/recordEvents.ts"
import type { QuotaLevel } from "./overQuota.ts"

/** Records it, unless the same was recorded within this many hours. */
const recordOnce = (organizationId: OrganizationId, event: NewEvent, hours: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const told = yield* sql`
      select 1 from events
      where organization_id = ${organizationId} and type = ${event.type} and subject = ${event.subject}
        and at > clock_timestamp() - ${hours} * interval '1 hour' limit 1`
    if (told.length === 0) yield* recordEvents(organizationId, event)
  })

/** Records an event for quotas that are nearly used up. */
export const recordNear = (organizationId: OrganizationId, near: ReadonlyArray<QuotaLevel>) =>
  Effect.forEach(
    near,
    (data) => recordOnce(organizationId, { type: "quota.near", subject: `quotas/${data.quota}`, data }, 24),
    { discard: true }
  )

/** Records an event if a quota refused a deployment. The deployment's own transaction is rolled back by then. */
export const recordExceeded = ({ app, organization, stage }: Target) =>
  recordOnce(
    organization.id,
    { type: "quota.exceeded", subject: `quotas/apps/${app}/stages/${stage}`, data: { app, stage } },
    1
  )
