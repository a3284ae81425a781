import { SqlClient } from "@effect/sql/SqlClient"
import { Duration, Effect, Layer, Schedule } from "effect"
import { asServer } from "../database/RowScope.ts"

const everyMinutes = 10

/** Forgets credentials that have expired, and what was used: invites stay, as a list of who was invited. */
export const sweepIdentity = Effect.gen(function* () {
  const sql = yield* SqlClient
  yield* sql`delete from sessions where expires_at < now()`
  yield* sql`delete from device_authorizations where expires_at < now() - interval '1 hour'`
  yield* sql`delete from one_time_tokens where expires_at < now() - interval '1 hour'`
}).pipe(asServer, Effect.withSpan("sweepIdentity"))

/** Sweeps again and again, as long as the scope is open. */
export const layer = Layer.scopedDiscard(
  sweepIdentity.pipe(
    Effect.catchAll((error) => Effect.logWarning("expired credentials are not swept", error.cause)),
    Effect.delay(Duration.minutes(everyMinutes)),
    Effect.repeat(Schedule.forever),
    Effect.forkScoped
  )
)
