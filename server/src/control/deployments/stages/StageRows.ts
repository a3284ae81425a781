import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { DeploymentService } from "@maxcloud/sdk/api"
import type { ObjectRef } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { storableJson } from "../../../base/database/storable.ts"
import { count } from "../../../base/telemetry/processMetrics.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import type { Lease, WorkQueue } from "../queue/WorkQueue.ts"
import type { NewEvent } from "../records/deploymentRows.ts"
import type { Progress } from "../statuses/progress.ts"
import { makeBegin } from "./beginStage.ts"
import { finishDeployment, type Verdict } from "./finishDeployment.ts"
import { makeStageBase, type StageBase } from "./stageBase.ts"
import { suspensionOfStage } from "./stageSuspension.ts"

const decodeProgress = Schema.decodeUnknownSync(Schema.Array(DeploymentService))

const driftRows = ({ inStage, sql }: StageBase) => {
  /** Drift that isn't corrected yet. */
  const drifted = (lease: Lease) => sql`${inStage(lease)} and healed_at is null`

  /** The id of its newest drift; undefined if there is none. */
  const newestDrift = (lease: Lease) =>
    Effect.map(
      sql<{ id: string | null }>`select max(id)::text as id from drift where ${drifted(lease)}`,
      ([row]) => row?.id ?? undefined
    )

  const healDrift = (lease: Lease, upTo: string) =>
    Effect.map(
      sql`update drift set healed_at = clock_timestamp() where ${drifted(lease)} and id <= ${upTo}::bigint returning 1`,
      (healed) => count("maxcloud_drift_healed_total", {}, healed.length)
    )

  return { newestDrift, healDrift }
}

const serviceRows = ({ events, inStage, sql, write }: StageBase) => {
  const setInventory = (lease: Lease, refs: ReadonlyArray<ObjectRef>) =>
    sql`
      update app_stages set inventory = ${storableJson(refs)}::jsonb
      where ${inStage(lease)} and inventory <> ${storableJson(refs)}::jsonb`

  const setLost = (lease: Lease, lost: boolean) =>
    write(lease, sql`update app_stages set lost = ${lost} where ${inStage(lease)} and lost <> ${lost}`)

  const progress = (lease: Lease, id: string) =>
    sql`
      select name, action, state, revision, url, reason, message, log_tail as "logTail",
        '{"certain": false}'::jsonb || diagnosis as diagnosis
      from deployment_services
      where organization_id = ${lease.key.organizationId} and deployment_id = ${id} order by position`.pipe(
      Effect.map((rows): ReadonlyArray<Progress> => decodeProgress(rows))
    )

  const saveProgress = (lease: Lease, id: string, changed: ReadonlyArray<Progress>) =>
    sql`
      update deployment_services d
      set state = c.state, revision = c.revision, url = c.url, reason = c.reason, message = coalesce(c.message, ''),
        log_tail = c."logTail", diagnosis = nullif(c.diagnosis, 'null'::jsonb)
      from jsonb_to_recordset(${storableJson(changed)}::jsonb) as c (
        name text, state text, revision text, url text, reason text, message text, "logTail" jsonb, diagnosis jsonb)
      where d.organization_id = ${lease.key.organizationId} and d.deployment_id = ${id} and d.name = c.name`

  /** Reports it once in a deployment's events. */
  const tellOnce = (lease: Lease, id: string, event: NewEvent) =>
    Effect.gen(function* () {
      const told = yield* sql`
        select 1 from deployment_events
        where organization_id = ${lease.key.organizationId} and deployment_id = ${id} and type = ${event.type}`
      if (told.length === 0) yield* write(lease, events(lease, id, [event]))
    })

  /** Names of the stage's services, except those being deleted. */
  const serviceNames = (lease: Lease): Effect.Effect<ReadonlyArray<string>, SqlError> =>
    sql<{ name: string }>`select name from services where ${inStage(lease)} and not deleting`.pipe(
      Effect.map((rows) => rows.map((row) => row.name))
    )

  /** Makes the next apply create a new revision in place of these, as a restart does. */
  const startAgain = (
    lease: Lease,
    expired: ReadonlyArray<{ readonly name: string; readonly revision: string | null }>
  ) =>
    write(
      lease,
      sql`
        update services s set restarted_at = clock_timestamp(), restarted_from = e.revision
        from jsonb_to_recordset(${storableJson(expired)}::jsonb) as e (name text, revision text)
        where ${inStage(lease)} and s.name = e.name and s.restarted_from is distinct from e.revision and not s.deleting`
    )

  /**
   * The runtime has lost these services. Returns those that must run again: with instances when they were last seen, or with a
   * minimum.
   */
  const markRestoring = (lease: Lease, names: ReadonlyArray<string>) =>
    write(
      lease,
      sql`
        update services s set status = jsonb_set(s.status, '{state}', '"restoring"')
        where ${inStage(lease)} and not s.deleting and s.status ->> 'state' <> 'restoring'
          and s.name in (select jsonb_array_elements_text(${storableJson(names)}::jsonb))`
    ).pipe(
      Effect.zipRight(
        sql<{ name: string }>`
          select name from services
          where ${inStage(lease)} and name in (select jsonb_array_elements_text(${storableJson(names)}::jsonb)) and not paused
            and (coalesce((status ->> 'instances')::int, 0) > 0 or coalesce((spec #>> '{scale,min}')::int, 0) > 0)`
      ),
      Effect.map((found) => found.map((row) => row.name))
    )

  return { markRestoring, setInventory, setLost, progress, saveProgress, tellOnce, serviceNames, startAgain }
}

/** The rows of a lease's app and stage. The lease fences every write. */
export const makeStageRows = (queue: WorkQueue, progressDeadlineMs: number, clock: Effect.Effect<number>) =>
  Effect.gen(function* () {
    const base = makeStageBase(yield* SqlClient, queue, yield* Platform)
    return {
      ...base,
      ...driftRows(base),
      ...serviceRows(base),
      ...suspensionOfStage(base),
      begin: makeBegin(base, progressDeadlineMs, clock),
      finish: (lease: Lease, id: string, verdict: Verdict) => finishDeployment(base, lease, id, verdict)
    }
  })

export type StageRows = Effect.Effect.Success<ReturnType<typeof makeStageRows>>
