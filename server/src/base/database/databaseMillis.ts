import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"

const decode = Schema.decodeUnknownSync(Schema.NonEmptyArray(Schema.Struct({ millis: Schema.Number })))

/** The database's time in Unix milliseconds. Compare stored times with this clock, not with a server's own. */
export const databaseMillis = (sql: SqlClient) =>
  Effect.map(
    sql`select trunc(extract(epoch from clock_timestamp()) * 1000)::float8 as millis`,
    (rows) => decode(rows)[0].millis
  )
