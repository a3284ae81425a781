import type { SqlClient } from "@effect/sql/SqlClient"

/**
 * Is a stage's row suspended now? An end further ahead than any suspension may last is from before the database's clock was set
 * back: the next pass over the stage shortens it. `table`: the row's alias, if the statement has others.
 */
export const suspendedNow = (sql: SqlClient, table = "app_stages") =>
  sql`${sql(table)}.suspended_until > clock_timestamp()`
