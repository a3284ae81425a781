import type { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"

/**
 * Has a stored time been reached, by the database's clock? It was written at most `longestMs` ahead, so a time further
 * ahead means that the clock was set back since. Such a time counts as reached: otherwise work would wait until the
 * clock has caught up.
 */
export const isDue = (sql: SqlClient, time: Fragment, longestMs: number) =>
  sql`(${time} <= clock_timestamp() or ${time} > clock_timestamp() + ${longestMs}::float8 * interval '1 millisecond')`
