import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { sweeping } from "../../base/database/sweeping.ts"
import { eraseOrphans } from "./eraseRows.ts"

/** How long to keep expired invites and undelivered mails. */
const days = 30

/** Deletes useless rows: expired invites, undelivered mails, and rows whose organization was erased. */
export const sweep = Effect.gen(function* () {
  const sql = yield* SqlClient
  const old = sql`now() - ${days} * interval '1 day'`
  yield* sql`delete from invites where coalesce(accepted_at, revoked_at, expires_at) < ${old}`
  yield* sql`delete from mail_outbox where created_at < ${old}`
  const orphans = yield* eraseOrphans
  if (orphans.length > 0) yield* Effect.logInfo("Deleted rows of erased organizations", orphans)
})

export const layer = sweeping("expired items and rows of erased organizations", "1 hour", sweep)
