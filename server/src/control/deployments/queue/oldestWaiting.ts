import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"

const decodeRows = Schema.decodeUnknown(Schema.Array(Schema.Struct({ depth: Schema.Int, oldest: Schema.Number })))

/**
 * How much work there is, and for how many seconds the oldest due part has been waiting for a server. Work that a living server holds a lease on
 * doesn't wait.
 */
export const queueState = Effect.gen(function* () {
  const sql = yield* SqlClient
  const next = sql`case when lease_token is null then available_at else lease_until end`
  const [row] = yield* Effect.flatMap(
    sql`
      select count(*)::int as depth,
        coalesce(extract(epoch from clock_timestamp() - min(${next}) filter (where ${next} <= clock_timestamp())), 0)::float8 as oldest
      from work_items`,
    decodeRows
  )
  return { depth: row?.depth ?? 0, oldestSeconds: row?.oldest ?? 0 }
})
