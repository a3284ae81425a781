import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { DeploymentService } from "@maxcloud/sdk/api"
import { namespaceOf, type ObjectRef } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { storableJson } from "../../base/database/storable.ts"
import { monotonicMillis } from "../../base/node/monotonic.ts"
import { Platform } from "../../runtimes/port/Platform.ts"
import type { NamespaceKey } from "../../runtimes/port/Runtime.ts"
import { appendEvents, type NewEvent } from "./deploymentRows.ts"
import type { Progress } from "./progress.ts"
import type { StoredStatus } from "./serviceRows.ts"
import type { Lease, WorkQueue } from "./WorkQueue.ts"

const Ref = Schema.Struct({ apiVersion: Schema.String, kind: Schema.String, name: Schema.String })
const Begun = Schema.Struct({
  id: Schema.String,
  number: Schema.Int,
  finished: Schema.Boolean,
  overdue: Schema.Boolean,
  remaining_ms: Schema.Number,
  force_conflicts: Schema.Boolean,
  /** It has failed because another manager holds a field that it wants. */
  conflicted: Schema.Boolean,
  inventory: Schema.Array(Ref)
})
export type Begun = typeof Begun.Type

const decodeBegun = Schema.decodeUnknownSync(Schema.Array(Begun))
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))
const decodeProgress = Schema.decodeUnknownSync(Schema.Array(DeploymentService))

const neverRun = (reason: string, message: string): StoredStatus => ({
  state: "failed",
  conditions: [{ type: "Ready", status: "False", reason, message, lastTransitionTime: new Date().toISOString() }],
  latestCreatedRevision: null,
  latestReadyRevision: null,
  traffic: [],
  instances: 0,
  url: null,
  diagnosis: null
})

/** The rows of the app and stage that a lease is of. Every write is fenced by the lease. */
export const makeStageRows = (queue: WorkQueue, progressDeadlineMs: number) =>
  Effect.map(Effect.all([SqlClient, Platform]), ([sql, platform]) => {
    const namespaceKeyOf = ({ key }: Lease): NamespaceKey => ({
      organizationId: key.organizationId,
      organization: key.organization,
      stage: key.stage,
      namespace: namespaceOf({ ...key, namespacePrefix: platform.namespacePrefix })
    })

    const inStage = ({ key }: Lease) =>
      sql`organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage}`

    /** Writes that need the lease: with the app's row locked, as `accept` locks it. */
    const write = <A, E, R>(lease: Lease, effect: Effect.Effect<A, E, R>) =>
      transaction(
        sql`select 1 from app_stages where ${inStage(lease)} for update`.pipe(
          Effect.andThen(queue.fence(lease)),
          Effect.andThen(effect)
        )
      ).pipe(Effect.provideService(SqlClient, sql))

    const events = (lease: Lease, id: string, all: ReadonlyArray<NewEvent>) =>
      appendEvents(lease.key.organizationId, id, all).pipe(Effect.provideService(SqlClient, sql))

    /** When the newest deployment of a stage has to have ended, by a clock that nobody sets. */
    const deadlines = new Map<string, { readonly id: string; readonly atMs: number }>()

    /** What the database says of the deadline counts when this process first sees a deployment. From then on it measures itself. */
    const measured = ({ key }: Lease, row: Begun | undefined, readMs: number, nowMs: number): Begun | undefined => {
      const stage = `${key.organizationId}/${key.app}/${key.stage}`
      if (row === undefined || row.finished) {
        deadlines.delete(stage)
        return row
      }
      const known = deadlines.get(stage)
      const atMs =
        known?.id === row.id
          ? known.atMs
          : readMs + (row.overdue ? 0 : Math.min(progressDeadlineMs, Math.max(0, row.remaining_ms)))
      deadlines.set(stage, { id: row.id, atMs })
      return { ...row, overdue: atMs <= nowMs, remaining_ms: atMs - nowMs }
    }

    /** The newest deployment, begun if it waited; older ones that are under way are superseded: their ids. */
    const begin = (lease: Lease) =>
      write(
        lease,
        Effect.gen(function* () {
          const newest = sql`(select last_number from app_stages where ${inStage(lease)})`
          const older = decodeIds(
            yield* sql`
              update deployments set state = 'superseded', reason = 'Superseded', finished_at = clock_timestamp(),
                message = 'A newer deployment came before it had finished.'
              where ${inStage(lease)} and finished_at is null and number < ${newest} returning id`
          )
          for (const { id } of older) {
            yield* events(lease, id, [
              {
                type: "finished",
                reason: "Superseded",
                message: "A newer deployment came before it had finished."
              }
            ])
          }
          const started = decodeIds(
            yield* sql`
              update deployments set state = 'running', reason = 'Running', message = 'It is being carried out.',
                started_at = clock_timestamp(),
                deadline_at = clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'
              where ${inStage(lease)} and state = 'queued' and number = ${newest} returning id`
          )
          for (const { id } of started) {
            yield* events(lease, id, [{ type: "started", reason: "Running", message: "It is being carried out." }])
          }
          // Further ahead than anybody may have written: the database's clock was set back. Each restart would begin such a deadline anew.
          yield* sql`
            update deployments set deadline_at = clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'
            where ${inStage(lease)} and number = ${newest} and finished_at is null
              and deadline_at > clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'`
          const readMs = yield* monotonicMillis
          const rows = decodeBegun(
            yield* sql`
              select d.id, d.number, d.finished_at is not null as finished,
                coalesce(d.deadline_at <= clock_timestamp(), false) as overdue,
                coalesce(extract(epoch from d.deadline_at - clock_timestamp()) * 1000, 0)::float8 as remaining_ms,
                d.force_conflicts, d.state = 'failed' and d.reason = 'FieldConflict' as conflicted, a.inventory
              from app_stages a join deployments d on d.organization_id = a.organization_id and d.app = a.app
                and d.stage = a.stage and d.number = a.last_number
              where a.organization_id = ${lease.key.organizationId} and a.app = ${lease.key.app}
                and a.stage = ${lease.key.stage}`
          )
          return { row: rows[0], readMs, superseded: older.map((_) => _.id) }
        })
      ).pipe(
        // Only what was committed has begun.
        Effect.zipWith(monotonicMillis, ({ readMs, row, superseded }, nowMs) => ({
          begun: measured(lease, row, readMs, nowMs),
          superseded
        }))
      )

    /** What others have done and nobody has put right yet. Of the namespace's own objects no app is told: any of its apps does. */
    const drifted = ({ key }: Lease) => sql`
      organization_id = ${key.organizationId} and stage = ${key.stage} and healed_at is null
      and (app is null or app = ${key.app})`

    /** The newest of it; undefined where there is none. */
    const newestDrift = (lease: Lease) =>
      Effect.map(
        sql<{ id: string | null }>`select max(id)::text as id from drift where ${drifted(lease)}`,
        ([row]) => row?.id ?? undefined
      )

    const healDrift = (lease: Lease, upTo: string) =>
      sql`update drift set healed_at = clock_timestamp() where ${drifted(lease)} and id <= ${upTo}::bigint`

    const setInventory = (lease: Lease, refs: ReadonlyArray<ObjectRef>) =>
      sql`update app_stages set inventory = ${storableJson(refs)}::jsonb where ${inStage(lease)}`

    const progress = (lease: Lease, id: string) =>
      sql`
        select name, action, state, revision, url, reason, message, log_tail as "logTail", diagnosis
        from deployment_services
        where organization_id = ${lease.key.organizationId} and deployment_id = ${id} order by position`.pipe(
        Effect.map((rows): ReadonlyArray<Progress> => decodeProgress(rows))
      )

    const saveProgress = (lease: Lease, id: string, changed: ReadonlyArray<Progress>) =>
      sql`
        update deployment_services d
        set state = c.state, revision = c.revision, url = c.url, reason = c.reason, message = c.message,
          log_tail = c."logTail", diagnosis = nullif(c.diagnosis, 'null'::jsonb)
        from jsonb_to_recordset(${storableJson(changed)}::jsonb) as c (
          name text, state text, revision text, url text, reason text, message text, "logTail" jsonb, diagnosis jsonb)
        where d.organization_id = ${lease.key.organizationId} and d.deployment_id = ${id} and d.name = c.name`

    const finish = (lease: Lease, id: string, state: "succeeded" | "failed", reason: string, message: string) =>
      Effect.gen(function* () {
        const ended = yield* sql`
          update deployments set state = ${state}, reason = ${reason}, message = ${message}, finished_at = clock_timestamp()
          where organization_id = ${lease.key.organizationId} and id = ${id} and finished_at is null returning 1`
        if (ended.length > 0) yield* events(lease, id, [{ type: "finished", reason, message }])
        if (state === "failed") {
          // Those that the runtime has never said anything of.
          yield* sql`
            update services set status = ${storableJson(neverRun(reason, message))}::jsonb
            where ${inStage(lease)} and status is null`
        }
        // Only the newest is ever applied again.
        yield* sql`
          delete from deployment_manifests m using deployments d
          where d.organization_id = m.organization_id and d.id = m.deployment_id and m.deployment_id <> ${id}
            and d.organization_id = ${lease.key.organizationId} and d.app = ${lease.key.app} and d.stage = ${lease.key.stage}
            and d.finished_at is not null`
      })

    /** Said once in a deployment's events. */
    const tellOnce = (lease: Lease, id: string, event: NewEvent) =>
      Effect.gen(function* () {
        const told = yield* sql`
          select 1 from deployment_events
          where organization_id = ${lease.key.organizationId} and deployment_id = ${id} and type = ${event.type}`
        if (told.length === 0) yield* write(lease, events(lease, id, [event]))
      })

    /** Names of the stage's services that are not being deleted. */
    const serviceNames = (lease: Lease): Effect.Effect<ReadonlyArray<string>, SqlError> =>
      sql<{ name: string }>`select name from services where ${inStage(lease)} and not deleting`.pipe(
        Effect.map((rows) => rows.map((_) => _.name))
      )

    return {
      sql,
      inStage,
      namespaceKeyOf,
      write,
      events,
      begin,
      newestDrift,
      healDrift,
      setInventory,
      progress,
      saveProgress,
      finish,
      tellOnce,
      serviceNames
    }
  })

export type StageRows = Effect.Effect.Success<ReturnType<typeof makeStageRows>>
