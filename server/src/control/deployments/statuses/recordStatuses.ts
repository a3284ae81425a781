import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { transaction } from "../../../base/database/sqlErrors.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { storeEach } from "../../../base/database/storeEach.ts"
import { count } from "../../../base/telemetry/processMetrics.ts"
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

const decodeCodes = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ code: Schema.String })))

/** Stores the changed statuses, and counts the diagnoses that a service didn't have before. */
const write = (observed: ReadonlyArray<Observed>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const found = decodeCodes(
      yield* sql`
          with o as (
            select b.organization_id, b.id, n.status, n.status #>> '{diagnosis,code}' as code,
              b.status #>> '{diagnosis,code}' as was
            from jsonb_to_recordset(${storableJson(
              observed.map(({ key, status }) => ({
                organization_id: key.organizationId,
                app: key.app,
                stage: key.stage,
                name: key.service,
                status: stored(status),
                losing: status.losing === true
              }))
            )}::jsonb) as k (organization_id text, app text, stage text, name text, status jsonb, losing boolean)
            join services b on b.organization_id = k.organization_id and b.app = k.app and b.stage = k.stage
              and b.name = k.name
            cross join lateral (
              -- While it is being lost, its count only shrinks: keep the one from before, by which it will be restored.
              select case when k.losing and (b.status ->> 'instances')::int > (k.status ->> 'instances')::int
                then jsonb_set(k.status, '{instances}', b.status -> 'instances') else k.status end as status
            ) as n
            where b.status is distinct from n.status
          ), written as (
            update services s set status = o.status from o
            where s.organization_id = o.organization_id and s.id = o.id
          )
          select code from o where code is not null and code is distinct from was`
    )
    for (const { code } of found) count("maxcloud_diagnoses_total", { code })
  })

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
