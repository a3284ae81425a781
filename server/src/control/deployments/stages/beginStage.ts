import { Effect, Schema } from "effect"
import type { Lease } from "../queue/WorkQueue.ts"
import { type Deadline, deadlineOf, measuredBy, restToStore } from "./deadlines.ts"
import { Begun, type StageBase } from "./stageBase.ts"

const decodeBegun = Schema.decodeUnknownSync(Schema.Array(Begun))
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

const newestNumber = ({ inStage, sql }: StageBase, lease: Lease) =>
  sql`(select last_number from app_stages where ${inStage(lease)})`

/** Supersedes older deployments in progress. */
const supersede = (base: StageBase, lease: Lease) =>
  Effect.gen(function* () {
    const { events, inStage, sql } = base
    const newest = newestNumber(base, lease)
    const older = decodeIds(
      yield* sql`
        update deployments set state = 'superseded', reason = 'Superseded', finished_at = clock_timestamp(),
          message = 'A newer deployment replaced it before it finished.'
        where ${inStage(lease)} and finished_at is null and number < ${newest} returning id`
    )
    for (const { id } of older) {
      yield* events(lease, id, [
        {
          type: "finished",
          reason: "Superseded",
          message: "A newer deployment replaced it before it finished."
        }
      ])
    }
  })

/** Starts the newest deployment if it is waiting. */
const start = (base: StageBase, progressDeadlineMs: number, lease: Lease) =>
  Effect.gen(function* () {
    const { events, inStage, sql } = base
    const newest = newestNumber(base, lease)
    const started = decodeIds(
      yield* sql`
        update deployments set state = 'running', reason = 'Running', message = 'Deploying',
          started_at = clock_timestamp(), deadline_seen_at = clock_timestamp(),
          deadline_at = clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'
        where ${inStage(lease)} and state = 'queued' and number = ${newest} returning id`
    )
    for (const { id } of started) {
      yield* events(lease, id, [{ type: "started", reason: "Running", message: "Deploying" }])
    }
    // Further ahead than any possible deadline: the database's clock was set back. Otherwise each restart would extend such a
    // deadline.
    yield* sql`
      update deployments set deadline_at = clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond',
        deadline_seen_at = clock_timestamp()
      where ${inStage(lease)} and number = ${newest} and finished_at is null
        and deadline_at > clock_timestamp() + ${progressDeadlineMs} * interval '1 millisecond'`
  })

const readNewest = ({ sql }: StageBase, lease: Lease) =>
  Effect.gen(function* () {
    const rows = decodeBegun(
      yield* sql`
        select d.id, d.number, d.finished_at is not null as finished,
          coalesce(d.deadline_at <= coalesce(d.deadline_seen_at, clock_timestamp()), false) as overdue,
          coalesce(extract(epoch from d.deadline_at - coalesce(d.deadline_seen_at, clock_timestamp())) * 1000, 0)::float8
            as remaining_ms,
          d.force_conflicts, d.state = 'failed' and d.reason = 'FieldConflict' as conflicted, a.lost,
            a.inventory
        from app_stages a join deployments d on d.organization_id = a.organization_id and d.app = a.app
          and d.stage = a.stage and d.number = a.last_number
        where a.organization_id = ${lease.key.organizationId} and a.app = ${lease.key.app}
          and a.stage = ${lease.key.stage}`
    )
    return rows[0]
  })

const storeRest = ({ sql }: StageBase, { key }: Lease, { id }: Begun, leftMs: number) =>
  sql`
    update deployments set deadline_seen_at = clock_timestamp(),
      deadline_at = clock_timestamp() + ${leftMs} * interval '1 millisecond'
    where organization_id = ${key.organizationId} and id = ${id} and finished_at is null`

/**
 * The newest deployment, started if it was waiting; older ones in progress are superseded. `clock`: monotonic milliseconds, which
 * stand still while the runtime is unreachable.
 */
export const makeBegin = (base: StageBase, progressDeadlineMs: number, clock: Effect.Effect<number>) => {
  /** By stage. */
  const deadlines = new Map<string, Deadline>()

  /** The deployment's deadline, stored if the database has another. Undefined for a finished deployment. */
  const deadlineIn = (lease: Lease, row: Begun | undefined, readMs: number) =>
    Effect.gen(function* () {
      const { key } = lease
      const stage = `${key.organizationId}/${key.app}/${key.stage}`
      if (row === undefined || row.finished) {
        deadlines.delete(stage)
        return undefined
      }
      const deadline = deadlineOf(deadlines.get(stage), row, readMs, progressDeadlineMs)
      const restMs = restToStore(deadline, yield* clock)
      if (restMs !== undefined) yield* storeRest(base, lease, row, restMs)
      deadlines.set(stage, restMs === undefined ? deadline : { ...deadline, storedMs: restMs })
      return deadline
    })

  return (lease: Lease) =>
    base
      .write(
        lease,
        Effect.gen(function* () {
          yield* supersede(base, lease)
          yield* start(base, progressDeadlineMs, lease)
          const readMs = yield* clock
          const row = yield* readNewest(base, lease)
          return { row, deadline: yield* deadlineIn(lease, row, readMs) }
        })
      )
      .pipe(
        // Report it as started only once that is committed.
        Effect.zipWith(clock, ({ deadline, row }, nowMs) =>
          row === undefined || deadline === undefined ? row : measuredBy(deadline, row, nowMs)
        )
      )
}
