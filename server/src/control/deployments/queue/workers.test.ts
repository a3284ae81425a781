import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Deferred, Effect, Fiber, Layer, Queue, Schedule } from "effect"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { newOrganization } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { layerAll, Shards } from "../../../base/replicas/Shards.ts"
import { shardCount } from "../../../base/replicas/shardOf.ts"
import { layer as organizations } from "../../../tenancy/organizations/Organizations.ts"
import { makeWorkQueue } from "./WorkQueue.ts"
import { startWorkers } from "./workers.ts"

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)
const leaseMs = 2_000

const { test } = runtimeTests(Layer.mergeAll(organizations, layerAll).pipe(Layer.provideMerge(layerTest)))

/** A server's workers with one pass, which lasts until `finish`; and another server's queue. */
const onePass = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`delete from work_items`
  const { id } = yield* newOrganization
  const queue = yield* makeWorkQueue({ leaseMs })
  const [begun, finish] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const ended = yield* Queue.unbounded<"done" | "interrupted">()
  yield* queue.add([{ organizationId: id, app: AppName.make("a"), stage: StageName.make("production") }])
  yield* startWorkers({
    queue,
    shards: yield* Shards,
    limit: 1,
    wake: Effect.void,
    woken: Effect.never,
    passEnded: Effect.void,
    reconcile: () =>
      Deferred.succeed(begun, undefined).pipe(
        Effect.andThen(Deferred.await(finish)),
        Effect.as({ _tag: "done" } as const),
        Effect.tap(() => Queue.offer(ended, "done")),
        Effect.onInterrupt(() => Queue.offer(ended, "interrupted"))
      )
  })
  yield* Deferred.await(begun)
  const other = yield* makeWorkQueue({ leaseMs: 60_000 })
  return { ended, finish: Deferred.succeed(finish, undefined), other, sql }
})

const renewals = (sql: SqlClient) => sql<{ pid: number }>`
  select pid from pg_stat_activity where wait_event_type = 'Lock' and query like 'update work_items set lease_until%'`

/** The connections of the next renewals. While the row is locked, they wait. */
const whileLocked = <A, E, R>(sql: SqlClient, use: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const [locked, over] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const holder = yield* sql`select 1 from work_items for update`.pipe(
      Effect.andThen(Deferred.succeed(locked, undefined)),
      Effect.andThen(Deferred.await(over)),
      sql.withTransaction,
      Effect.fork
    )
    yield* Deferred.await(locked)
    const used = yield* use
    yield* Deferred.succeed(over, undefined)
    yield* Fiber.join(holder)
    return used
  })

const nextRenewal = (sql: SqlClient) =>
  renewals(sql).pipe(
    Effect.flatMap(([found]) => (found === undefined ? Effect.fail("none waits") : Effect.succeed(found.pid))),
    Effect.retry(Schedule.spaced("5 millis"))
  )

describe("a server's workers", () => {
  test(
    "keep a key whose renewal fails because its connection was cut, until their pass is done",
    Effect.gen(function* () {
      const { ended, finish, other, sql } = yield* onePass
      for (let cut = 0; cut < 3; cut++) {
        yield* whileLocked(
          sql,
          Effect.flatMap(nextRenewal(sql), (pid) => sql`select pg_terminate_backend(${pid})`)
        )
        const leasedUntil = sql<{ until: string }>`select lease_until::text as until from work_items`
        const [before] = yield* leasedUntil
        yield* Effect.repeat(leasedUntil, {
          until: ([now]) => now?.until !== before?.until,
          schedule: Schedule.spaced("5 millis")
        })
        expect(yield* other.claim(1, everyShard)).toEqual([])
      }
      yield* finish
      expect(yield* Queue.take(ended)).toBe("done")
    }).pipe(Effect.scoped)
  )

  test(
    "have stopped their pass when another server can take its key, if no renewal succeeds",
    Effect.gen(function* () {
      const { ended, other, sql } = yield* onePass
      yield* whileLocked(
        sql,
        Effect.gen(function* () {
          expect(yield* Queue.take(ended)).toBe("interrupted")
          expect(yield* sql`select 1 from work_items where lease_until > clock_timestamp()`).toHaveLength(1)
        })
      )
      const taken = yield* other.claim(1, everyShard).pipe(
        Effect.filterOrFail(([lease]) => lease !== undefined),
        Effect.retry(Schedule.spaced("20 millis"))
      )
      expect(taken[0]?.key.app).toBe("a")
    }).pipe(Effect.scoped)
  )
})
