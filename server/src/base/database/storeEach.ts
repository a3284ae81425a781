import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Effect } from "effect"
import { isRefusedData } from "../postgres/sqlState.ts"
import { transaction } from "./sqlErrors.ts"

/**
 * Writes many objects with one statement, all in one transaction. If the database refuses the data of one, the others
 * are stored without it, and the server's log names it: one tenant's object must not block another's.
 */
export const storeEach = <A, E, R>(
  all: ReadonlyArray<A>,
  write: (batch: ReadonlyArray<A>) => Effect.Effect<unknown, E | SqlError, R>,
  nameOf: (one: A) => string
): Effect.Effect<void, E | SqlError, R | SqlClient> => {
  const [first] = all
  if (first === undefined) return Effect.void
  return transaction(write(all)).pipe(
    Effect.asVoid,
    Effect.catchIf(isRefused, (error) => {
      if (all.length === 1) return Effect.logError(`The database can't store ${nameOf(first)}`, error.cause)
      const middle = Math.ceil(all.length / 2)
      return Effect.andThen(storeEach(all.slice(0, middle), write, nameOf), storeEach(all.slice(middle), write, nameOf))
    })
  )
}

const isRefused = (error: unknown): error is SqlError =>
  typeof error === "object" &&
  error !== null &&
  "_tag" in error &&
  error._tag === "SqlError" &&
  "cause" in error &&
  isRefusedData(error.cause)
