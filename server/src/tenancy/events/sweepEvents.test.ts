import { SqlClient } from "@effect/sql/SqlClient"
import { expect } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { frequentToDelete, sweepFrequent } from "./sweepEvents.ts"

const { test } = runtimeTests(layerTest)

const decodeCounts = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ service: Schema.String, count: Schema.Int, oldest: Schema.String }))
)

/** Events of a service: two in each second, the first ones `age` ago. Ids grow. */
const happened = (service: string, count: number, age: string, frequent = true) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      insert into events (organization_id, id, type, subject, app, stage, service, frequent, data, at)
      select 'org', ${service} || lpad(n::text, 4, '0'), 'image.pulled', n::text, 'shop', 'production', ${service}, ${frequent}, '{}',
        now() - ${age}::interval + (n / 2) * interval '1 second'
      from generate_series(1, ${count}::integer) n`
  )

test(
  "of frequent events, the newest 1,000 of each service stay for three days",
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* happened("many", 1_003, "1 day")
    yield* happened("few", 10, "1 day")
    yield* happened("old", 10, "73 hours")
    yield* happened("young", 10, "71 hours")
    yield* happened("seldom", 1_003, "10 days", false)
    yield* sweepFrequent
    const left = yield* sql`
      select service, count(*)::integer as count, min(subject::integer)::text as oldest from events group by 1 order by 1`
    expect(decodeCounts(left).map(({ count, oldest, service }) => [service, count, oldest])).toEqual([
      ["few", 10, "1"],
      ["many", 1_000, "4"],
      ["seldom", 1_003, "1"],
      ["young", 10, "1"]
    ])
  })
)

test(
  "finding those to delete sorts nothing",
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      yield* sql`set local enable_sort = off`
      yield* sql`set local enable_incremental_sort = off`
      yield* sql`set local enable_seqscan = off`
      const plan = JSON.stringify(yield* sql`explain ${yield* frequentToDelete}`)
      expect(plan).toContain("events_frequent")
      expect(plan).not.toContain("Sort")
    })
  )
)
