import { SqlClient } from "@effect/sql/SqlClient"
import { NotFound, type Service, type ServiceId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { notifying } from "../../base/database/notifying.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { WorkQueue } from "../deployments/queue/WorkQueue.ts"

export const noService = (id: ServiceId) =>
  new NotFound({ detail: `There is no service ${id}.`, resource: "service", resourceName: id })

/** Locks the app's row first, as accepting a deployment does. */
export const lockStage = (organization: Organization, { app, stage }: Service) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select 1 from app_stages where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
      for update`
  )

/** Makes the reconciler rebuild the stage's objects. */
export const wakeStage = (queue: WorkQueue, organization: Organization, { app, stage }: Service) =>
  Effect.zipRight(
    queue.add([{ organizationId: organization.id, app, stage }]),
    Effect.flatMap(SqlClient, (sql) => sql`select ${notifying(sql, "work")}`)
  )
