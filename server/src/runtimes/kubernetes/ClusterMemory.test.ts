import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as fc from "fast-check"
import { layerTest } from "../../../test/database/layerTest.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { ClusterMemory, layer } from "./ClusterMemory.ts"
import { unseenBetween } from "./sightings.ts"

describe("the time in which nobody saw the cluster", () => {
  const moment = fc.integer({ min: 0, max: 60 })
  const sightings = fc.array(
    fc.tuple(moment, moment).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) })),
    { maxLength: 6 }
  )

  it("is what no sighting covers, whatever their order", () =>
    fc.assert(
      fc.property(sightings, moment, moment, (seen, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        const oldest = Math.min(...seen.map((one) => one.from))
        const seconds = Array.from({ length: to - from }, (_, index) => from + index)
        const unseen = seconds.filter(
          (second) => second >= oldest && !seen.some((one) => one.from <= second && second < one.to)
        )
        expect(unseenBetween(seen, from, to)).toBe(unseen.length)
      })
    ))
})

const { test } = runtimeTests(layerTest)

interface FakeApi {
  outage: { readonly since: Date; readonly millis: number } | undefined
  away: number
}

const memoryOf = (fake: FakeApi) =>
  Layer.provide(
    layer(20),
    Layer.mock(KubeApi, {
      server: "https://cluster.example.com",
      unreachable: Effect.sync(() => Option.fromNullable(fake.outage)),
      awayMillis: Effect.sync(() => fake.away),
      awaySince: () => fake.away
    })
  )

/** A server's start: what it knows then about the time since `minutes` ago, in minutes. */
const started = (away = 0) =>
  Effect.map(
    ClusterMemory,
    ({ awaySince }) =>
      (minutes: number) =>
        Math.round(awaySince(Date.now() - minutes * 60_000) / 60_000)
  ).pipe(Effect.provide(memoryOf({ outage: undefined, away })))

const stored = (...stretches: ReadonlyArray<readonly [from: number, to: number]>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`delete from cluster_sightings`
    for (const [from, to] of stretches) {
      yield* sql`
        insert into cluster_sightings (id, began_at, seen_at) values (gen_random_uuid(),
          clock_timestamp() - ${from} * interval '1 minute', clock_timestamp() - ${to} * interval '1 minute')`
    }
  })

describe("a server after a restart", () => {
  test(
    "still knows the outages before, and counts the time without any server as one",
    Effect.gen(function* () {
      // Ten minutes of outage, then five without a server.
      yield* stored([60, 25], [15, 5])
      const awayFor = yield* started()
      expect([30, 20, 12, 3].map(awayFor)).toEqual([15, 10, 5, 3])
    })
  )

  test(
    "adds its own outages, and knows no outage before the first sighting",
    Effect.gen(function* () {
      yield* stored([10, 0])
      expect((yield* started(120_000))(300)).toBe(2)
      yield* stored()
      expect((yield* started(120_000))(300)).toBe(2)
    })
  )

  test(
    "has stored when the cluster was reachable: a stretch ends with its outage, however late that was noticed",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* stored()
      const rows = sql<{ minutes: number; ended: boolean }>`
        select round(extract(epoch from clock_timestamp() - began_at) / 60)::int as minutes,
          clock_timestamp() - seen_at > interval '1 minute' as ended
        from cluster_sightings order by began_at`
      const until = (wanted: ReadonlyArray<unknown>) =>
        Effect.repeat(Effect.delay(rows, "20 millis"), {
          until: (found) => JSON.stringify(found) === JSON.stringify(wanted)
        })
      const fake: FakeApi = { outage: undefined, away: 0 }
      yield* Effect.gen(function* () {
        yield* until([{ minutes: 0, ended: false }])
        yield* sql`update cluster_sightings set began_at = clock_timestamp() - interval '20 minutes'`
        fake.outage = { since: new Date(), millis: 5 * 60_000 }
        yield* until([{ minutes: 20, ended: true }])
        fake.outage = undefined
        fake.away = 5 * 60_000
        yield* until([
          { minutes: 20, ended: true },
          { minutes: 0, ended: false }
        ])
        // An outage between two beats.
        fake.away = 6 * 60_000
        yield* Effect.repeat(Effect.delay(rows, "20 millis"), { until: (found) => found.length === 3 })
      }).pipe(Effect.provide(memoryOf(fake)))
    })
  )
})
