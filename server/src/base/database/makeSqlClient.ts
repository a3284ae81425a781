import * as Reactivity from "@effect/experimental/Reactivity"
import * as Client from "@effect/sql/SqlClient"
import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import { PgClient } from "@effect/sql-pg"
import { Effect, Exit, Option, Scope } from "effect"
import type pg from "pg"
import { CommitUnknown, isBroken, isUnsent } from "../postgres/sqlState.ts"
import { makeConnection, reserve } from "./connection.ts"
import { Shares } from "./Shares.ts"

const run = (connection: Connection, text: string) => connection.executeUnprepared(text, [], undefined)

/** COMMIT failed. Passes through the transaction, which can only fail with it. */
class CommitFailed {
  readonly error: SqlError
  constructor(error: SqlError) {
    this.error = error
  }
}

const asCommit = (cause: unknown) =>
  isBroken(cause) && !isUnsent(cause)
    ? new CommitUnknown(
        "The connection broke during a commit, so the transaction may or may not have been committed.",
        {
          cause
        }
      )
    : cause

/** Postgres answers a COMMIT with ROLLBACK if a statement of the transaction had failed. Then nothing of it is stored. */
const commit = (connection: Connection) =>
  Effect.flatMap(connection.executeRaw("commit", []), (answer) =>
    typeof answer === "object" && answer !== null && "command" in answer && answer.command === "ROLLBACK"
      ? new SqlError({ cause: new RolledBack(), message: "Failed to commit" })
      : Effect.void
  ).pipe(
    Effect.mapError(({ cause }) => new SqlError({ cause: asCommit(cause), message: "Failed to commit" })),
    Effect.catchAll((error) => Effect.die(new CommitFailed(error)))
  )

class RolledBack extends Error {
  /** in_failed_sql_transaction */
  readonly code = "25P02"
  override readonly message = "A statement of the transaction had failed, so nothing was stored."
}

/**
 * `SqlClient` on this pool. Each statement, also inside a transaction, sees the rows that the `RowScope` of its fiber
 * shows. A read whose connection breaks, and any statement that wasn't sent yet, is sent again on another connection. If
 * COMMIT fails, the transaction fails with a `SqlError`.
 */
export const makeSqlClient = (pool: pg.Pool, attributes: ReadonlyArray<readonly [string, unknown]>) =>
  Effect.gen(function* () {
    const spanAttributes: ReadonlyArray<readonly [string, unknown]> = [["db.system.name", "postgresql"], ...attributes]
    const shares = Shares.of(pool.options.max)
    const client = yield* Client.make({
      acquirer: Effect.succeed(makeConnection(pool, shares)),
      transactionAcquirer: reserve(pool, shares),
      compiler: PgClient.makeCompiler(),
      spanAttributes
    })
    const inTransaction = Client.makeWithTransaction({
      transactionTag: Client.TransactionConnection,
      spanAttributes,
      acquireConnection: Effect.flatMap(Scope.make(), (scope) =>
        Effect.map(Scope.extend(reserve(pool, shares), scope), (connection) => [scope, connection] as const).pipe(
          // No connection is free: give back the place in the organization's share.
          Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
        )
      ),
      begin: (value) => run(value, "begin"),
      savepoint: (value, id) => run(value, `savepoint maxcloud_${id}`),
      commit,
      // If this fails, drop the connection, and the transaction with it.
      rollback: (value) => Effect.ignore(run(value, "rollback")),
      rollbackSavepoint: (value, id) => Effect.ignore(run(value, `rollback to savepoint maxcloud_${id}`))
    })
    return Object.assign(client, {
      withTransaction: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
        Effect.catchSomeDefect(inTransaction(effect), (defect) =>
          defect instanceof CommitFailed ? Option.some(Effect.fail(defect.error)) : Option.none()
        )
    })
  }).pipe(Effect.provide(Reactivity.layer))
