import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { transaction } from "../../../base/database/sqlErrors.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { storeEach } from "../../../base/database/storeEach.ts"
import type { ServiceKey, ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import type { StoredStatus } from "../records/serviceRows.ts"
import { recordHealth } from "./recordHealth.ts"

export interface Observed {
  readonly key: Pick<ServiceKey, "organizationId" | "app" | "stage" | "service">
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
              app: key.app,
              stage: key.stage,
              name: key.service,
              status: stored(status)
            }))
          )}::jsonb) as o (organization_id text, app text, stage text, name text, status jsonb)
          where s.organization_id = o.organization_id and s.app = o.app and s.stage = o.stage and s.name = o.name
            and s.status is distinct from o.status`
  )

const keysJson = (keys: ReadonlyArray<Observed["key"]>) =>
  storableJson(
    keys.map((key) => ({ organization_id: key.organizationId, app: key.app, stage: key.stage, name: key.service }))
  )

const lock = (keys: ReadonlyArray<Observed["key"]>) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select 1 from services s
      join jsonb_to_recordset(${keysJson(keys)}::jsonb) as k (organization_id text, app text, stage text, name text)
        on s.organization_id = k.organization_id and s.app = k.app and s.stage = k.stage and s.name = k.name
      order by s.organization_id, s.app, s.stage, s.name for no key update of s`
  )

/**
 * Reads a runtime's statuses and stores them in the services' rows, in one statement. A status that can't be stored doesn't block
 * the others. The rows are locked before the statuses are read, so an older status never replaces a newer one.
 */
export const recordStatuses = <E, R>(
  keys: ReadonlyArray<Observed["key"]>,
  read: Effect.Effect<ReadonlyArray<Observed>, E, R>
) =>
  transaction(
    Effect.andThen(
      lock(keys),
      Effect.tap(read, (observed) =>
        storeEach(
          observed,
          (some) => Effect.andThen(write(some), recordHealth(some)),
          ({ key }) => `the status of ${key.organizationId}/${key.app}/${key.stage}/${key.service}`
        )
      )
    )
  )
