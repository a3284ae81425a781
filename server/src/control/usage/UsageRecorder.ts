import { SqlClient } from "@effect/sql/SqlClient"
import { Chunk, Duration, Effect, Layer, Option, Schedule, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { storableJson } from "../../base/database/storable.ts"
import { storeEach } from "../../base/database/storeEach.ts"
import { keepDoing, watchOver } from "../../base/node/keepDoing.ts"
import { type InstanceRecord, Runtime } from "../../runtimes/port/Runtime.ts"

export interface UsageRecorderOptions {
  /** How often to record that running instances still exist. @default 30 seconds */
  readonly beatMs?: number
  /** An instance that no server has seen for this long has ended without a witness. @default 2 minutes */
  readonly lostMs?: number
}

const idOf = ({ key, uid }: InstanceRecord) => `${key.organizationId}/${uid}`

type Running = Map<string, { readonly organization_id: string; readonly uid: string }>

const rowOf = ({ cpuMilli, endedAt, instance, key, memoryBytes, revision, startedAt, uid }: InstanceRecord) => ({
  organization_id: key.organizationId,
  uid,
  app: key.app,
  stage: key.stage,
  service: key.service,
  revision,
  instance,
  started_at: startedAt,
  ended_at: endedAt,
  cpu_milli: cpuMilli,
  memory_bytes: memoryBytes
})

const writeRows = (sql: SqlClient, batch: ReadonlyArray<InstanceRecord>) =>
  sql`
    insert into instances (organization_id, uid, app, stage, service, revision, instance, started_at, seen_at,
      ended_at, cpu_milli, memory_bytes)
    select i.organization_id, i.uid, i.app, i.stage, i.service, i.revision, i.instance, i.started_at, clock_timestamp(),
      i.ended_at, i.cpu_milli, i.memory_bytes from jsonb_to_recordset(${storableJson(
        batch.map(rowOf)
      )}::jsonb) as i (organization_id text, uid text, app text, stage text, service text, revision text,
      instance text, started_at timestamptz, ended_at timestamptz, cpu_milli integer,
      memory_bytes bigint)
    join organizations o on o.id = i.organization_id
    order by i.organization_id, i.uid
    on conflict (organization_id, uid) do update set
      seen_at = greatest(instances.seen_at, excluded.seen_at),
      ended_at = coalesce(excluded.ended_at, instances.ended_at)`

const write = (sql: SqlClient, running: Running, batch: ReadonlyArray<InstanceRecord>) =>
  Effect.map(writeRows(sql, batch), () => {
    for (const one of batch) {
      if (one.endedAt === null) running.set(idOf(one), { organization_id: one.key.organizationId, uid: one.uid })
      else running.delete(idOf(one))
    }
  })

const record = (sql: SqlClient, running: Running, records: ReadonlyArray<InstanceRecord>) =>
  // One statement can't change a row twice.
  storeEach(
    [...new Map(records.map((record) => [idOf(record), record])).values()],
    (batch) => write(sql, running, batch),
    (one) => `the instance ${idOf(one)}`
  ).pipe(Effect.provideService(SqlClient, sql))

const noteRunning = (sql: SqlClient, running: Running) =>
  Effect.suspend(() =>
    running.size === 0
      ? Effect.void
      : Effect.asVoid(sql`
          update instances i set seen_at = clock_timestamp()
          from jsonb_to_recordset(${storableJson([...running.values()])}::jsonb) as r (organization_id text, uid text)
          where i.organization_id = r.organization_id and i.uid = r.uid and i.ended_at is null`)
  )

const endLost = (sql: SqlClient, lostMs: number) => sql`
  update instances set ended_at = greatest(seen_at, started_at)
  where ended_at is null and seen_at < clock_timestamp() - ${lostMs} * interval '1 millisecond'`

/**
 * Records the lifetimes of instances in the table `instances`. If no server saw an instance's end (all were down), it ended when
 * it was last seen. Several servers may record the same lifetime: their writes agree.
 */
export const layer = ({ beatMs = 30_000, lostMs = 120_000 }: UsageRecorderOptions = {}) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const runtime = yield* Runtime
      const running: Running = new Map()

      if (runtime.name === "local") {
        // Instances of an earlier server on this database ended with it, at the latest when this one started.
        yield* sql`update instances set ended_at = greatest(seen_at, started_at) where ended_at is null`.pipe(
          Effect.catchAll((error) => Effect.logWarning("Couldn't record usage. Retrying", error.cause))
        )
      }
      // The local runtime's instances end with its server, so nobody is left to record that.
      yield* Effect.addFinalizer(() => Effect.ignore(noteRunning(sql, running)))
      const watched = watchOver("usage of instances")
      yield* runtime.instances.pipe(
        Stream.groupedWithin(512, Duration.millis(100)),
        Stream.runForEach((records) =>
          // Don't lose this while the database is unreachable: usage is billed. A batch that makes the code throw always would.
          watched(
            record(sql, running, Chunk.toReadonlyArray(records)).pipe(
              Effect.catchAllDefect((defect) => Effect.logError("Couldn't record the usage of some instances", defect))
            )
          ).pipe(Effect.repeat({ schedule: Schedule.spaced("1 second"), until: Option.isSome }))
        ),
        Effect.forkScoped
      )
      yield* keepDoing(
        "usage of running instances",
        { every: beatMs, after: beatMs },
        Effect.andThen(noteRunning(sql, running), endLost(sql, lostMs))
      )
    }).pipe(asServer)
  )
