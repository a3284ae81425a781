import type { SqlError } from "@effect/sql/SqlError"
import { type Duration, type Effect, Layer } from "effect"
import { keepDoing } from "../node/keepDoing.ts"
import { asServer } from "./RowScope.ts"

/**
 * Sweeps regularly while the scope is open, even after a failed sweep. Several replicas may: each deletes what's left.
 * `what` is for the log.
 */
export const sweeping = <R>(what: string, every: Duration.DurationInput, sweep: Effect.Effect<void, SqlError, R>) =>
  Layer.scopedDiscard(
    // Like every background task, it continues whatever becomes of one sweep.
    keepDoing(`deletion of ${what}`, every, asServer(sweep))
  )
