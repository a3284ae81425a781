import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type Service } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { recordEvents } from "../../tenancy/events/recordEvents.ts"
import { KeyedRequest, noteCarriedOut } from "../../tenancy/repeats/KeyedRequest.ts"
import type { WorkQueue } from "../deployments/queue/WorkQueue.ts"
import { refuseWhileSuspended } from "../deployments/suspension/suspensionRows.ts"
import { lockStage, noService, wakeStage } from "./stageOfService.ts"

const refuse = ({ name }: Service, why: string) =>
  new Conflict({ detail: `The service "${name}" ${why}, so it can't be restarted.` })

/**
 * Returns the newest revision before the restart. If the answer to the same request was lost, it returns the first result and
 * does nothing.
 */
export const restartService = (queue: WorkQueue, organization: Organization, service: Service, newest: string | null) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const { app, id, name, stage } = service
      yield* lockStage(organization, service)
      const [row] = yield* sql<{
        paused: boolean
        deleting: boolean
        restarted_from: string | null
      }>`
        select paused, deleting, restarted_from from services
        where organization_id = ${organization.id} and id = ${id}`
      if (row === undefined) return yield* noService(id)
      if (row.deleting) return yield* refuse(service, "is being deleted")
      if (row.paused) return yield* refuse(service, `is paused (run \`maxcloud resume ${name}\` to start it)`)
      if ((yield* KeyedRequest)?.made !== undefined) return row.restarted_from
      yield* refuseWhileSuspended({ organization, app, stage }, "A restart")
      yield* noteCarriedOut(id)
      yield* sql`
        update services set restarted_at = clock_timestamp(), restarted_from = ${newest}, updated_at = now()
        where organization_id = ${organization.id} and id = ${id}`
      yield* wakeStage(queue, organization, service)
      yield* recordEvents(organization.id, {
        type: "service.restarted",
        subject: `services/${id}`,
        data: { app, stage, service: id, name }
      })
      yield* audit.append({
        action: "services.restart",
        outcome: "succeeded",
        status: 202,
        subject: `service ${name} of ${app}/${stage}`,
        organizationId: organization.id
      })
      return newest
    })
  ).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable))
