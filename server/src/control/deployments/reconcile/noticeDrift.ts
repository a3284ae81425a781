import { SqlClient } from "@effect/sql/SqlClient"
import { Duration, Effect, Stream } from "effect"
import { backoffMs } from "../../../base/node/backoff.ts"
import { Shards } from "../../../base/replicas/Shards.ts"
import { count } from "../../../base/telemetry/processMetrics.ts"
import { type Drift, Runtime } from "../../../runtimes/port/Runtime.ts"
import { DriftLog } from "../../drift/DriftLog.ts"
import { keptMillis, PassedDrift } from "../../drift/PassedDrift.ts"
import { lookMs } from "../queue/dispatchMachine.ts"
import { decodeStageRefs } from "../queue/stageRef.ts"
import { longestBackoffMs, type WorkQueue } from "../queue/WorkQueue.ts"
import { suspendedNow } from "../records/suspendedNow.ts"

/** How often in ten minutes an object is repaired as soon as it is seen. */
const healedAtOnce = 5

/**
 * How long to wait before repairing an object that was already repaired this often in the last ten minutes. A tool that repeats
 * its change must not keep the cluster and us busy. The first few repairs are immediate, later ones follow with growing pauses of
 * up to a minute.
 */
export const patienceMs = (timesHealed: number) =>
  timesHealed < healedAtOnce ? 0 : backoffMs({ baseMs: 1_000, maxMs: longestBackoffMs }, timesHealed - healedAtOnce)

const timesHealed = ({ key, object }: Drift) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [row] = yield* sql<{ times: number }>`
      select count(*)::int as times from drift
      where organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage} and kind = ${object.kind}
        and name = ${object.name} and healed_at > clock_timestamp() - interval '10 minutes'`
    return row?.times ?? 0
  })

/** The app and stage whose pass repairs the object. None if nothing is deployed there. */
const stageOf = (drift: Drift) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeStageRefs(
      yield* sql`
        select organization_id, app, stage from app_stages
        where organization_id = ${drift.key.organizationId} and app = ${drift.key.app} and stage = ${drift.key.stage}
          and inventory <> '[]'`
    )
  })

/** How soon to look at a suspended app after a change: only the loss of the whole app matters. */
const suspendedMs = 5_000

const isSuspendedFor = ({ key }: Drift) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const found = yield* sql`
      select 1 from app_stages
      where organization_id = ${key.organizationId} and app = ${key.app} and stage = ${key.stage} and ${suspendedNow(sql)}`
    return found.length > 0
  })

const isKnown = (drift: Drift) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const known = yield* sql`
      select 1 from drift
      where organization_id = ${drift.key.organizationId} and app = ${drift.key.app} and stage = ${drift.key.stage}
        and kind = ${drift.object.kind} and name = ${drift.object.name} and change = ${drift.change} and manager is not distinct from ${drift.manager}::text
        and noticed_at > ${drift.at}::timestamptz - ${keptMillis} * interval '1 millisecond'`
    return known.length > 0
  })

/** Follows other people's changes to our objects forever: stores them, and lets the owner of the organization repair them. */
export const noticeDrift = (queue: WorkQueue, wake: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const shards = yield* Shards
    const log = yield* DriftLog
    const passed = new PassedDrift()

    const notice = (drift: Drift) =>
      Effect.gen(function* () {
        if (!shards.owns(drift.key.organizationId)) return passed.keep(drift)
        const afterMs = patienceMs(yield* timesHealed(drift))
        yield* log.record(drift)
        const isSuspended = yield* isSuspendedFor(drift)
        // Nobody expects the repair of a suspended app, so the metric that alerts on missing repairs leaves it out.
        if (!isSuspended) count("maxcloud_drift_found_total", { change: drift.change })
        yield* queue.add(yield* stageOf(drift), isSuspended ? suspendedMs : afterMs)
        yield* wake
      }).pipe(
        Effect.catchAll((error) => Effect.logWarning("Couldn't record a drift", error)),
        // Continue: the next one may succeed.
        Effect.catchAllDefect((defect) => Effect.logError("Couldn't record a drift", defect))
      )

    /** Drift that was reported while the organization had no owner, or its owner died. The new owner reports it again. */
    const noticeLate = (drift: Drift) =>
      isKnown(drift).pipe(
        Effect.flatMap((known) => (known ? Effect.void : notice(drift))),
        Effect.catchAll((error) => Effect.logWarning("Couldn't record a drift", error.cause))
      )
    const owned = Stream.merge(shards.changes, Stream.tick(Duration.millis(lookMs)))

    yield* Effect.all(
      [
        Stream.runForEach(runtime.drift, notice),
        Stream.runForEach(owned, () => Effect.forEach(passed.take(shards.owns), noticeLate, { discard: true }))
      ],
      { concurrency: "unbounded", discard: true }
    )
  })
