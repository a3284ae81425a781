import type { SqlError } from "@effect/sql/SqlError"
import { Effect } from "effect"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"

/** Turns an unreachable database or master key into an answer that a client can act on. */
export const whereAway = <A, E, R>(effect: Effect.Effect<A, E | SqlError | MasterKeyError, R>) =>
  orUnavailable(
    Effect.catchIf(
      effect,
      (error): error is Extract<E | SqlError | MasterKeyError, MasterKeyError> => error instanceof MasterKeyError,
      masterKeyUnavailable
    )
  )
