import type { SqlError } from "@effect/sql/SqlError"
import { type Duration, Effect, Layer, Schedule } from "effect"
import { databaseWords } from "../postgres/DatabaseError.ts"
import { asServer } from "./RowScope.ts"

/**
 * Sweeps regularly while the scope is open, even after a failed sweep. Several replicas may: each deletes what's left.
 * `what` is for the log.
 */
export const sweeping = <R>(what: string, every: Duration.DurationInput, sweep: Effect.Effect<void, SqlError, R>) =>
  Layer.scopedDiscard(
    sweep.pipe(
      Effect.catchAll((error) => Effect.logWarning(`Couldn't sweep ${what}. ${databaseWords(error)}`, error.cause)),
      Effect.catchAllDefect((defect) => Effect.logError(`Couldn't sweep ${what}`, defect)),
      Effect.repeat(Schedule.spaced(every)),
      asServer,
      Effect.forkScoped
    )
  )
