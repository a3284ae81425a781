import { SqlClient } from "@effect/sql/SqlClient"
import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { announcing, leasedTables } from "./leasedTables.ts"

it.live("every table with leases is in the list of those that are freed when their holder is dead", () =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const having = (column: string) =>
      Effect.map(
        sql<{ name: string }>`
          select table_name as name from information_schema.columns
          where table_schema = 'public' and column_name = ${column} order by 1`,
        (rows) => rows.map(({ name }) => name)
      )
    const listed = leasedTables.map(({ table }) => table).sort()
    expect(yield* having("lease_until")).toEqual(listed)
    expect(yield* having("lease_holder")).toEqual([...listed, announcing].sort())
  }).pipe(Effect.provide(layerTest))
)
