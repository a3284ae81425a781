import { SqlClient, TransactionConnection } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Unavailable } from "@maxcloud/sdk/api"
import { Effect, Option, Schedule } from "effect"
import { DiskTrouble } from "../disk/DiskTrouble.ts"
import { retryAfterSecondsOf, systemFaultOf } from "../host/systemFault.ts"
import { databaseWords } from "../postgres/DatabaseError.ts"
import { CommitUnknown, isBroken, isPassing, stateOf } from "../postgres/sqlState.ts"
import { withPostponed } from "./beforeTransaction.ts"

export const isUniqueViolation = (error: SqlError) => stateOf(error.cause) === "23505"

const isSqlError = (error: unknown): error is SqlError =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "SqlError"

/** A temporary fault of the database, also if nobody expected one. */
export const isPassingFault = (error: unknown): boolean => isSqlError(error) && isPassing(error.cause)

/** Keeps temporary faults as they are. Any other SQL error is a bug of ours, which waiting can't fix. */
export const passingOnly = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.catchIf(effect, (error) => isSqlError(error) && !isPassing(error.cause), Effect.die)

/** The answer to a client while the database takes no work, with the error's own reason. */
export const databaseAway = (cause: unknown): Effect.Effect<Unavailable> =>
  Effect.map(DiskTrouble, (trouble) => {
    const fault = systemFaultOf(cause)
    const words = databaseWords(cause)
    // A Postgres whose disk is full exits, and can't send an error.
    const ofDisk = fault === undefined ? trouble() : undefined
    return new Unavailable({
      detail: ofDisk === undefined ? words : `${words} ${ofDisk}`,
      retryAfterSeconds: retryAfterSecondsOf(fault)
    })
  })

/** The database is unreachable: clients can act on such an answer. Any other SQL error is a bug of ours. */
export const orUnavailable = <A, E, R>(effect: Effect.Effect<A, E | SqlError, R>) =>
  Effect.catchIf(
    effect,
    (error): error is Extract<E | SqlError, SqlError> => isSqlError(error),
    (error) =>
      isPassing(error.cause)
        ? Effect.logWarning(databaseWords(error), error.cause).pipe(
            Effect.andThen(Effect.flatMap(databaseAway(error), Effect.fail))
          )
        : Effect.die(error)
  )

/**
 * Runs in one transaction. Retries if the database aborted it to break a deadlock, or if the connection broke before
 * COMMIT was sent; and after work that must not run inside (`beforeTransaction.ts`).
 */
export const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const isInner = Option.isSome(yield* Effect.serviceOption(TransactionConnection))
    const attempt = sql.withTransaction(effect).pipe(
      Effect.retry({
        schedule: Schedule.jittered(Schedule.exponential("20 millis")),
        times: 5,
        while: (error) =>
          isSqlError(error) &&
          (/^(40P01|40001)$/.test(stateOf(error.cause) ?? "") ||
            (!isInner && isBroken(error.cause) && !(error.cause instanceof CommitUnknown)))
      })
    )
    return yield* isInner ? attempt : withPostponed(attempt)
  })

/** `transaction` with the client as a parameter. */
export const inTransaction = <A, E, R>(sql: SqlClient, effect: Effect.Effect<A, E, R>) =>
  Effect.provideService(transaction(effect), SqlClient, sql)
