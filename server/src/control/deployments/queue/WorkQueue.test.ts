import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Effect, Layer } from "effect"
import { layerTest } from "../../../../test/database/layerTest.ts"
import { newOrganization } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { transaction } from "../../../base/database/sqlErrors.ts"
import { shardCount } from "../../../base/replicas/shardOf.ts"
import { layer as organizations } from "../../../tenancy/organizations/Organizations.ts"
import { longestWaitMs, makeWorkQueue } from "./WorkQueue.ts"

const everyShard = Array.from({ length: shardCount }, (_, shard) => shard)

const { test } = runtimeTests(Layer.provideMerge(organizations, layerTest))

const fresh = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`delete from work_items`
  const org = yield* newOrganization
  const keyOf = (app: string) => ({
    organizationId: org.id,
    app: AppName.make(app),
    stage: StageName.make("production")
  })
  // Two servers on one database, with leases that last very long or end at once.
  const [one, two] = [yield* makeWorkQueue({ leaseMs: 60_000 }), yield* makeWorkQueue({ leaseMs: 60_000 })]
  return { keyOf, one, sql, two, shortLived: yield* makeWorkQueue({ leaseMs: 0 }) }
})

describe("work queue", () => {
  test(
    "gives a key to one worker at a time, and each key once however often it is added",
    Effect.gen(function* () {
      const { keyOf, one, two } = yield* fresh
      yield* one.add([keyOf("a"), keyOf("a"), keyOf("b")])
      yield* two.add([keyOf("a")])
      const claimed = yield* Effect.all(
        [one.claim(4, everyShard), two.claim(4, everyShard), one.claim(4, everyShard), two.claim(4, everyShard)],
        { concurrency: 4 }
      )
      expect(claimed.flatMap((leases) => leases.map((lease) => lease.key.app)).sort()).toEqual(["a", "b"])
    })
  )

  test(
    "gives keys with a deployment in progress first, however many others are checked or restored",
    Effect.gen(function* () {
      const { keyOf, one, sql } = yield* fresh
      const keys = Array.from({ length: 50 }, (_, index) => keyOf(`lost-${index}`))
      const { app, organizationId, stage } = keyOf("new")
      yield* sql`insert into app_stages (organization_id, app, stage) values (${organizationId}, ${app}, ${stage})`
      yield* sql`
        insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions, warnings)
        values (${`dep_${organizationId}`}, ${organizationId}, ${app}, ${stage}, 1, 'queued', '', '', '{}', '[]', '[]')`
      yield* one.add(keys)
      yield* one.add([keyOf("new")])
      expect((yield* one.claim(1, everyShard)).map((lease) => lease.key.app)).toEqual(["new"])
      expect(yield* one.claim(100, everyShard)).toHaveLength(50)
      yield* sql`delete from deployments where organization_id = ${organizationId}`
    })
  )

  test(
    "hands out a key again if it was added during its work, and only then",
    Effect.gen(function* () {
      const { keyOf, one, two } = yield* fresh
      yield* one.add([keyOf("a")])
      const [lease] = yield* one.claim(1, everyShard)
      if (lease === undefined) throw new Error("nothing claimed")
      yield* two.add([keyOf("a")])
      expect(yield* two.claim(1, everyShard)).toEqual([])
      yield* one.finish(lease, { _tag: "done" })
      const [again] = yield* two.claim(1, everyShard)
      if (again === undefined) throw new Error("nothing claimed")
      yield* two.finish(again, { _tag: "done" })
      expect(yield* one.claim(1, everyShard)).toEqual([])
      expect(yield* one.nextInMs(everyShard)).toBeUndefined()
    })
  )

  test(
    "refuses writes, renewals and ends by the holder of a lost lease",
    Effect.gen(function* () {
      const { keyOf, shortLived, sql, two } = yield* fresh
      yield* two.add([keyOf("a")])
      const [lost] = yield* shortLived.claim(1, everyShard)
      const [held] = yield* two.claim(1, everyShard)
      if (lost === undefined || held === undefined) throw new Error("nothing claimed")
      const write = (lease: typeof lost, name: string) =>
        transaction(
          sql`update organizations set name = ${name} where id = ${lease.key.organizationId}`.pipe(
            Effect.andThen(two.fence(lease))
          )
        )
      expect(yield* Effect.flip(write(lost, "stale"))).toMatchObject({ _tag: "LeaseLost" })
      expect(yield* Effect.flip(shortLived.renew(lost))).toMatchObject({ _tag: "LeaseLost" })
      yield* shortLived.finish(lost, { _tag: "done" })
      yield* write(held, "fresh")
      expect(yield* sql`select name from organizations where id = ${held.key.organizationId}`).toEqual([
        { name: "fresh" }
      ])
      yield* two.renew(held)
    })
  )

  test(
    "waits longer after each failure, and hands out returned leases at once",
    Effect.gen(function* () {
      const { keyOf, one, sql, two } = yield* fresh
      yield* one.add([keyOf("a")])
      const waits: Array<number> = []
      for (let attempt = 0; attempt < 4; attempt++) {
        const [lease] = yield* one.claim(1, everyShard)
        if (lease === undefined) throw new Error("nothing claimed")
        expect(lease.attempts).toBe(attempt)
        yield* one.finish(lease, { _tag: "retry", afterMs: 0, failed: true })
        waits.push((yield* one.nextInMs(everyShard)) ?? 0)
        yield* sql`update work_items set available_at = now()`
      }
      for (const [attempt, wait] of waits.entries()) {
        expect(wait).toBeGreaterThan(200 * 2 ** attempt - 100)
        expect(wait).toBeLessThanOrEqual(400 * 2 ** attempt)
      }
      const leases = yield* one.claim(1, everyShard)
      expect(yield* two.claim(1, everyShard)).toEqual([])
      yield* one.release(leases)
      expect((yield* two.claim(1, everyShard)).length).toBe(1)
    })
  )

  test(
    "hands out keys with a lease or wait too far ahead after the clock was set back by an hour",
    Effect.gen(function* () {
      const { keyOf, one, sql, two } = yield* fresh
      yield* one.add([keyOf("a"), keyOf("b"), keyOf("c")])
      const [lease] = yield* one.claim(1, everyShard)
      if (lease === undefined) throw new Error("nothing claimed")
      yield* one.add([keyOf("d")], 60_000)
      yield* sql`
        update work_items set available_at = available_at + interval '1 hour', lease_until = lease_until + interval '1 hour'`
      expect(yield* two.nextInMs(everyShard)).toBeLessThanOrEqual(0)
      const again = yield* two.claim(8, everyShard)
      expect(again.map((each) => each.key.app).sort()).toEqual(["a", "b", "c", "d"])
      expect(yield* Effect.flip(one.renew(lease))).toMatchObject({ _tag: "LeaseLost" })
      yield* Effect.forEach(again, two.renew)
    })
  )

  test(
    "waits at most two minutes, even if a key is added for an hour later",
    Effect.gen(function* () {
      const { keyOf, one } = yield* fresh
      yield* one.add([keyOf("a")], 3_600_000)
      expect(yield* one.nextInMs(everyShard)).toBeLessThanOrEqual(longestWaitMs)
      expect(yield* one.claim(1, everyShard)).toEqual([])
    })
  )
})
