import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect, Exit, Layer, Schedule, Scope } from "effect"
import * as fc from "fast-check"
import { layerTest } from "../../../test/database/layerTest.ts"
import * as Shards from "./Shards.ts"
import { shardCount, shardOf, shardOfSql } from "./shardOf.ts"

const quick = { beatMs: 50, leaseMs: 1_000 }

const replica = Effect.gen(function* () {
  const scope = yield* Scope.make()
  const context = yield* Layer.buildWithScope(Layer.fresh(Shards.layer(quick)), scope)
  return { owned: Context.get(context, Shards.Shards).owned, end: Scope.close(scope, Exit.void) }
})

const eventually = (condition: () => boolean) =>
  Effect.suspend(() => (condition() ? Effect.void : Effect.fail("not within 5 seconds"))).pipe(
    Effect.retry(Schedule.spaced(20).pipe(Schedule.upTo(5_000)))
  )

const id = fc.stringMatching(/^[0-9a-f]{32}$/).map((generated) => OrganizationId.make(`org_${generated}`))

describe("shards", () => {
  it.live("are the same in the database as here", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const ids = fc.sample(id, 200)
      const rows = yield* sql<{ id: OrganizationId; shard: string }>`
        select id, ${shardOfSql(sql, "id")} as shard
        from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb) as t (id)`
      expect(rows.length).toBe(200)
      for (const row of rows) expect(Number(row.shard)).toBe(shardOf(row.id))
    }).pipe(Effect.provide(layerTest))
  )

  it.live("are shared evenly, released on shutdown, and taken over after a death", () =>
    Effect.gen(function* () {
      const one = yield* replica
      expect(one.owned().length).toBe(shardCount)
      const two = yield* replica
      const three = yield* replica
      const all = [one, two, three]
      const total = () => all.flatMap((each) => each.owned())
      yield* eventually(() => all.every((each) => each.owned().length >= 20) && new Set(total()).size === shardCount)
      yield* two.end
      yield* eventually(() => one.owned().length === 32 && three.owned().length === 32)

      const sql = yield* SqlClient
      // The state after a replica's death: it sends no more heartbeats, but still holds its shards for a while.
      yield* sql`insert into replicas (id) values ('rep_dead')`
      yield* sql`
        update shards set replica = 'rep_dead', lease_until = clock_timestamp() + interval '300 milliseconds'
        where shard < 10`
      yield* eventually(() => one.owned().length + three.owned().length < shardCount)
      yield* eventually(() => new Set([...one.owned(), ...three.owned()]).size === shardCount)
      // Also dead, and then the database's clock is set back by an hour: its leases now end an hour later.
      yield* sql`insert into replicas (id, seen_at) values ('rep_ahead', clock_timestamp() + interval '1 hour')`
      yield* sql`
        update shards set replica = 'rep_ahead', lease_until = clock_timestamp() + interval '1 hour' where shard < 10`
      yield* sql`
        select 1 from replicas where id = 'rep_ahead' union all select 1 from shards where replica = 'rep_ahead'`.pipe(
        Effect.repeat({ until: (rows) => rows.length === 0, schedule: Schedule.spaced(20) }),
        Effect.timeout("5 seconds")
      )
      yield* eventually(() => one.owned().length === 32 && three.owned().length === 32)
      yield* Effect.all([one.end, three.end])
    }).pipe(Effect.provide(layerTest))
  )
})
