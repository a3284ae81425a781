import type { SqlError } from "@effect/sql/SqlError"
import { type Duration, Effect, Layer, Schedule } from "effect"
import { databaseWords } from "../postgres/DatabaseError.ts"
import { asServer } from "./RowScope.ts"

/**
 * Sweeps now and again as long as the scope is open, whatever becomes of one sweep. Several replicas may: each deletes what is left.
 * `what`, for the log: what is swept.
 */
export const sweeping = <R>(what: string, every: Duration.DurationInput, sweep: Effect.Effect<void, SqlError, R>) =>
  Layer.scopedDiscard(
    sweep.pipe(
      Effect.catchAll((error) => Effect.logWarning(`${what} are not swept. ${databaseWords(error)}`, error.cause)),
      Effect.catchAllDefect((defect) => Effect.logError(`${what} are not swept`, defect)),
      Effect.repeat(Schedule.spaced(every)),
      asServer,
      Effect.forkScoped
    )
  )
