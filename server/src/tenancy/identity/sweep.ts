import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { sweeping } from "../../base/database/sweeping.ts"

/** Deletes expired and used credentials. Invites stay, as a list of who was invited. */
export const sweepIdentity = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`delete from sessions where expires_at < now()`
  yield* sql`delete from device_authorizations where expires_at < now() - interval '1 hour'`
  yield* sql`delete from one_time_tokens where expires_at < now() - interval '1 hour'`
}).pipe(asServer, Effect.withSpan("sweepIdentity"))

export const layer = sweeping("expired credentials", "10 minutes", sweepIdentity)
