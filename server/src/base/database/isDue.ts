import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"

/**
 * Has a time come that was written at most `longestMs` ahead, by the database's clock? One that is further ahead was written before that
 * clock was set back. It counts as come: what waits for it would otherwise stand still until the clock has caught up.
 */
export const isDue = (sql: SqlClient, time: Fragment, longestMs: number) =>
  sql`(${time} <= clock_timestamp() or ${time} > clock_timestamp() + ${longestMs}::float8 * interval '1 millisecond')`
