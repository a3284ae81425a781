import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Unavailable } from "@maxcloud/sdk/api"
import { Effect, Schedule } from "effect"
import { codeOf } from "./DatabaseError.ts"

/** SQLSTATE of what the database refused, or the system's code of why it was not reached. */
const stateOf = (error: SqlError) => codeOf(error.cause)

export const isUniqueViolation = (error: SqlError) => stateOf(error) === "23505"

/**
 * Passing faults: no connection (08), shutting down or starting up (57P), out of disk, memory or connections (53), a disk that
 * failed (58). An error without a SQLSTATE never reached the database.
 */
const isPassing = (error: SqlError) => {
  const state = stateOf(error)
  return state === undefined || !/^[0-9A-Z]{5}$/.test(state) || /^(08|57P|53|58)/.test(state)
}

/** The database is away: an answer that a client may act on. Any other SQL error is a mistake of ours. */
export const orUnavailable = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E | SqlError, SqlError> =>
      typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError",
    (error) =>
      isPassing(error)
        ? Effect.logWarning("the database is away", error.cause).pipe(
            Effect.andThen(
              Effect.fail(
                new Unavailable({
                  detail: "The database does not answer at the moment. Send the request again.",
                  retryAfterSeconds: 1
                })
              )
            )
          )
        : Effect.die(error)
  )

/** Runs in one transaction, again where the database had to break a deadlock by ending ours. */
export const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient, (sql) =>
    sql.withTransaction(effect).pipe(
      Effect.retry({
        schedule: Schedule.jittered(Schedule.exponential("20 millis")),
        times: 5,
        while: (error) =>
          typeof error === "object" &&
          error !== null &&
          "_tag" in error &&
          error._tag === "SqlError" &&
          "cause" in error &&
          ["40P01", "40001"].includes(codeOf(error.cause) ?? "")
      })
    )
  )
