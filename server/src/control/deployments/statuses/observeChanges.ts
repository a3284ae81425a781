import { SqlClient } from "@effect/sql/SqlClient"
import { Duration, Effect, Option, Schema, Stream } from "effect"
import { storableJson } from "../../../base/database/storable.ts"
import { Runtime, type ServiceKey } from "../../../runtimes/port/Runtime.ts"
import { decodeStageRefs } from "../queue/stageRef.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { type Observed, recordStatuses } from "./recordStatuses.ts"
import { makeTriage } from "./triage.ts"

/** How long to collect changes. A large app has more of them at once, and checking it costs more. */
const gatherMs = (services: number) => 20 + Math.min(services, 1_000)

const decodeSizes = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ services: Schema.Int })))

/** Stages with a deployment in progress that contain one of these services, with the number of their services. */
const waitingFor = (keys: ReadonlyArray<ServiceKey>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select d.organization_id, d.app, d.stage, (
        select count(*)::int from services n
        where n.organization_id = d.organization_id and n.app = d.app and n.stage = d.stage
      ) as services
      from deployments d
      where d.finished_at is null and exists (
        select 1 from services s
        join jsonb_to_recordset(${storableJson(
          keys.map((key) => ({
            organization_id: key.organizationId,
            app: key.app,
            stage: key.stage,
            name: key.service
          }))
        )}::jsonb) as k (organization_id text, app text, stage text, name text)
          on s.organization_id = k.organization_id and s.app = k.app and s.stage = k.stage and s.name = k.name
        where s.organization_id = d.organization_id and s.app = d.app and s.stage = d.stage
      )`
    const sizes = decodeSizes(rows)
    return decodeStageRefs(rows).map((stage, index) => ({ stage, services: sizes[index]?.services ?? 0 }))
  })

/** Stores services' new statuses, and wakes the deployments that wait for them. */
const observe = (queue: WorkQueue, wake: Effect.Effect<void>, keys: ReadonlyArray<ServiceKey>) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const unique = new Map(keys.map((key) => [`${key.organizationId}/${key.namespace}/${key.service}`, key]))
    const read = Effect.forEach(
      unique.values(),
      (key) =>
        runtime.status(key).pipe(
          Effect.map(Option.map((status): Observed => ({ key, status }))),
          Effect.catchTag("RuntimeError", () => Effect.succeedNone)
        ),
      { concurrency: 16 }
    )
    yield* recordStatuses(
      [...unique.values()],
      Effect.map(read, (found) => found.flatMap(Option.toArray))
    )
    const waiting = yield* waitingFor([...unique.values()])
    for (const { services, stage } of waiting) yield* queue.add([stage], gatherMs(services))
    if (waiting.length > 0) yield* wake
  }).pipe(
    Effect.catchAll((error) => Effect.logWarning("Couldn't record a change", error)),
    Effect.catchAllDefect((defect) => Effect.logError("Couldn't record a change", defect))
  )

/** Follows the runtime's statuses of its services forever. */
export const observeChanges = (queue: WorkQueue, wake: Effect.Effect<void>) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const { due, recorded, triage } = yield* makeTriage(runtime)
    const oneAtATime = yield* Effect.makeSemaphore(1)
    const record = (keys: ReadonlyArray<ServiceKey>) =>
      keys.length === 0
        ? Effect.void
        : oneAtATime.withPermits(1)(
            Effect.flatMap(Effect.timed(observe(queue, wake, keys)), ([took]) => recorded(Duration.toMillis(took)))
          )
    const urgent = runtime.changes.pipe(
      Stream.groupedWithin(512, Duration.millis(20)),
      Stream.runForEach((keys) => Effect.flatMap(triage(keys), record))
    )
    yield* Effect.all([urgent, Stream.runForEach(due, record)], { concurrency: "unbounded", discard: true })
  }).pipe(Effect.scoped)
