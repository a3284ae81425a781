import { SqlClient } from "@effect/sql/SqlClient"
import type { Service } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { recordEvents } from "../../tenancy/events/recordEvents.ts"
import type { WorkQueue } from "../deployments/queue/WorkQueue.ts"
import { refuseWhileSuspended } from "../deployments/suspension/suspensionRows.ts"
import { lockStage, wakeStage } from "./stageOfService.ts"

/** Pauses or resumes a service. */
export const setPaused = (queue: WorkQueue, organization: Organization, service: Service, paused: boolean) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const { app, id, name, stage } = service
      yield* lockStage(organization, service)
      const isNew = yield* sql`
        select 1 from services where organization_id = ${organization.id} and id = ${id} and paused <> ${paused}`
      if (isNew.length === 0) return
      yield* refuseWhileSuspended({ organization, app, stage }, paused ? "A pause" : "Resuming the service")
      const changed = yield* sql`
        update services set paused = ${paused}, updated_at = now()
        where organization_id = ${organization.id} and id = ${id} and paused <> ${paused} returning 1`
      if (changed.length === 0) return
      yield* wakeStage(queue, organization, service)
      yield* recordEvents(organization.id, {
        type: paused ? "service.paused" : "service.resumed",
        subject: `services/${id}`,
        data: { app, stage, service: id, name }
      })
      yield* audit.append({
        action: paused ? "services.pause" : "services.resume",
        outcome: "succeeded",
        status: 200,
        subject: `service ${name} of ${app}/${stage}`,
        organizationId: organization.id
      })
    })
  ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))
