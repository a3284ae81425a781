import type { Connection } from "@effect/sql/SqlConnection"
import { SqlError } from "@effect/sql/SqlError"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schedule, type Scope, Stream } from "effect"
import type pg from "pg"
import { isBroken } from "../postgres/sqlState.ts"
import { cancel, checkOut, noteFault, noteWrite } from "./PgPool.ts"
import { RowScope } from "./RowScope.ts"
import type { Answer, Session, Shown, Statement } from "./Session.ts"
import type { Shares } from "./Shares.ts"

/** A statement without `asOrganization`, `asServer` or `asNobody`. */
class RowScopeMissing extends Error {
  override readonly name = "RowScopeMissing"
  constructor(text: string) {
    super(
      `This statement hasn't chosen its rows: ${text.trim().slice(0, 200)}. Run it with asOrganization, asServer or asNobody.`
    )
  }
}

interface Failure {
  readonly cause: Error
  /** Did the database get the statement? */
  readonly sent: boolean
}

type Answers = Answer | ReadonlyArray<Answer>

/** Sends a statement on a held connection. Ends when it's answered or cancelled. */
const sendOn = (pool: pg.Pool, session: Session, scope: Shown | undefined, statement: Statement) =>
  Effect.async<Answers, Failure>((resume) => {
    session.send(scope, statement, (cause, sent, answer) =>
      resume(cause === undefined ? Effect.succeed(answer ?? []) : Effect.fail({ cause, sent }))
    )
    return cancel(pool, session)
  })

/**
 * Sends a statement on any connection. The connection is released when the answer arrives, even if nobody waits for it
 * any more.
 */
const sendOnAny = (pool: pg.Pool, scope: Shown, statement: Statement) =>
  Effect.async<Answers, Failure>((resume) => {
    let session: Session | undefined
    let answered = false
    let cancelling = false
    const forget = checkOut(pool, (cause, given) => {
      if (given === undefined) {
        resume(Effect.fail({ cause: cause ?? new Error("no connection was given"), sent: false }))
        return
      }
      session = given
      given.send(scope, statement, (failed, sent, answer) => {
        answered = true
        if (!cancelling) given.release()
        resume(failed === undefined ? Effect.succeed(answer ?? []) : Effect.fail({ cause: failed, sent }))
      })
    })
    return Effect.suspend(() => {
      forget()
      if (session === undefined || answered) return Effect.void
      const held = session
      cancelling = true
      return Effect.ensuring(
        cancel(pool, held),
        Effect.sync(() => {
          cancelling = false
          if (answered) held.release()
        })
      )
    })
  })

/**
 * Statements about the transaction itself. They must work in a failed transaction too, in which no setting can be
 * changed.
 */
const isControl = (text: string) => /^\s*(begin|start\s|commit|end|rollback|abort|savepoint|release)\b/i.test(text)
const isRead = (text: string) => /^\s*select\b/i.test(text)

/** A restart of Postgres takes about this long. */
const again = Schedule.exponential("150 millis", 3)

const failedIn =
  (pool: pg.Pool) =>
  ({ cause }: Failure) => {
    noteFault(pool, cause)
    return new SqlError({ cause, message: "Failed to execute statement" })
  }

type Transform = (<A extends object>(rows: ReadonlyArray<A>) => ReadonlyArray<A>) | undefined

const rowsOf = (answers: Answers): ReadonlyArray<object> =>
  // One text may contain several statements: return the rows of each.
  "rows" in answers ? answers.rows : answers.map((answer) => ({ ...answer.rows }))

/**
 * On a held connection (`session`), or on any of the pool. Either way with the rows that the fiber's `RowScope` shows.
 */
export const makeConnection = (pool: pg.Pool, shares: Shares, session?: Session): Connection => {
  const failed = failedIn(pool)
  const sendNow = (statement: Statement, scope: Shown) =>
    session === undefined
      ? sendOnAny(pool, scope, statement)
      : sendOn(pool, session, isControl(statement.text) ? undefined : scope, statement)

  const mayGoAgain = ({ cause, sent }: Failure, text: string) =>
    session === undefined && isBroken(cause) && (!sent || isRead(text))

  const isWrite = (text: string) => (session === undefined ? !isRead(text) : /^\s*commit\b/i.test(text))

  const send = (statement: Statement) =>
    Effect.flatMap(RowScope, (scope) => {
      if (scope === "unsaid" && !isControl(statement.text)) return Effect.die(new RowScopeMissing(statement.text))
      const sent = Effect.catchAll(sendNow(statement, scope), (failure) =>
        mayGoAgain(failure, statement.text)
          ? sendNow(statement, scope).pipe(
              Effect.retry({ schedule: again, times: 2, while: (value) => mayGoAgain(value, statement.text) }),
              Effect.delay("50 millis"),
              Effect.mapError(failed)
            )
          : Effect.fail(failed(failure))
      )
      return isWrite(statement.text) ? Effect.tap(sent, () => Effect.sync(() => noteWrite(pool))) : sent
    })

  const execute = (text: string, values: ReadonlyArray<unknown>, transform: Transform) =>
    Effect.map(send({ text, values }), (answers) => {
      const rows = rowsOf(answers)
      return transform === undefined ? rows : transform(rows)
    })

  const connection: Connection = {
    execute,
    executeUnprepared: execute,
    executeRaw: (text, values) => send({ text, values }),
    executeValues: (text, values) =>
      Effect.map(send({ text, values, rowMode: "array" }), (answers) =>
        rowsOf(answers).map((value): ReadonlyArray<unknown> => Object.values(value))
      ),
    executeStream: (text, values, transform) =>
      Stream.unwrapScoped(
        session === undefined
          ? Effect.map(openTransaction(pool, shares), (held) => cursor(held, text, values, transform))
          : Effect.succeed(cursor(connection, text, values, transform))
      )
  }
  return connection
}

let cursors = 0

/** Rows from a cursor of the transaction. Every batch is fetched under the scope in which the stream began. */
const cursor = (connection: Connection, text: string, values: ReadonlyArray<unknown>, transform: Transform) =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const scope = yield* RowScope
      const inScope = Effect.provideService(RowScope, scope)
      const name = `maxcloud_${++cursors}`
      yield* Effect.acquireRelease(
        connection.execute(`declare ${name} no scroll cursor for ${text}`, values, undefined),
        () => Effect.ignore(connection.execute(`close ${name}`, [], undefined))
      )
      const fetch = connection.execute(`fetch 128 from ${name}`, [], transform).pipe(
        inScope,
        Effect.mapError(Option.some),
        Effect.flatMap((rows) =>
          rows.length === 0 ? Effect.fail(Option.none()) : Effect.succeed(Chunk.unsafeFromArray([...rows]))
        )
      )
      return Stream.repeatEffectChunkOption(fetch)
    })
  )

const isOrganization = (scope: Shown): scope is OrganizationId =>
  scope !== "*" && scope !== "none" && scope !== "unsaid"

/** A connection for as long as the scope is open. For an organization's work, it's one of the organization's share. */
export const reserve = (pool: pg.Pool, shares: Shares): Effect.Effect<Connection, SqlError, Scope.Scope> =>
  Effect.andThen(
    Effect.flatMap(RowScope, (scope) => (isOrganization(scope) ? shares.one(scope) : Effect.void)),
    reserveAny(pool, shares)
  )

const reserveAny = (pool: pg.Pool, shares: Shares) =>
  Effect.acquireRelease(
    Effect.async<Session, SqlError>((resume) => {
      const forget = checkOut(pool, (cause, session) =>
        resume(
          session === undefined
            ? Effect.fail(new SqlError({ cause, message: "Failed to acquire connection" }))
            : Effect.succeed(session)
        )
      )
      return Effect.sync(forget)
    }),
    (session) => Effect.sync(() => session.release())
  ).pipe(Effect.map((session) => makeConnection(pool, shares, session)))

const openTransaction = (pool: pg.Pool, shares: Shares) =>
  Effect.flatMap(reserve(pool, shares), (connection) =>
    Effect.acquireRelease(Effect.as(connection.executeUnprepared("begin", [], undefined), connection), () =>
      Effect.ignore(connection.executeUnprepared("rollback", [], undefined))
    )
  )
