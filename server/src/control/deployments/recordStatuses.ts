import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { storableJson } from "../../base/database/storable.ts"
import { storeEach } from "../../base/database/storeEach.ts"
import type { ServiceKey, ServiceStatus } from "../../runtimes/port/Runtime.ts"
import type { StoredStatus } from "./serviceRows.ts"

export interface Observed {
  readonly key: Pick<ServiceKey, "organizationId" | "stage" | "service">
  readonly status: ServiceStatus
}

const stored = (status: ServiceStatus): StoredStatus => ({
  state: status.state,
  conditions: status.conditions,
  latestCreatedRevision: status.latestCreatedRevision,
  latestReadyRevision: status.latestReadyRevision,
  traffic: status.traffic,
  instances: status.instances,
  url: status.url,
  diagnosis: status.diagnosis
})

const write = (observed: ReadonlyArray<Observed>) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
          update services s set status = o.status
          from jsonb_to_recordset(${storableJson(
            observed.map(({ key, status }) => ({
              organization_id: key.organizationId,
              stage: key.stage,
              name: key.service,
              status: stored(status)
            }))
          )}::jsonb) as o (organization_id text, stage text, name text, status jsonb)
          where s.organization_id = o.organization_id and s.stage = o.stage and s.name = o.name
            and s.status is distinct from o.status`
  )

/** Stores a runtime's statuses in the services' rows, in one statement. A status that can't be stored doesn't block the others. */
export const recordStatuses = (observed: ReadonlyArray<Observed>) =>
  storeEach(observed, write, ({ key }) => `the status of ${key.organizationId}/${key.stage}/${key.service}`)
