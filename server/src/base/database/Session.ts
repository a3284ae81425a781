import pg from "pg"
import { isReadOnly, isUnsent } from "../postgres/sqlState.ts"
import type { RowScope } from "./RowScope.ts"
import { storable } from "./storable.ts"

export interface Answer {
  readonly command: string
  readonly rows: ReadonlyArray<object>
}
type Answered = (error: Error | undefined, sent: boolean, answer?: Answer | ReadonlyArray<Answer>) => void

export interface Statement {
  readonly text: string
  readonly values: ReadonlyArray<unknown>
  /** Rows as arrays of values. */
  readonly rowMode?: "array"
}

/**
 * The connection's rows, as in `RowScope`. Without a chosen scope, only statements about the transaction itself come
 * here.
 */
export type Shown = RowScope["Type"]

/**
 * The settings that row security reads (migration `row_security`): `maxcloud.organization` names one organization, and
 * `maxcloud.all_rows` is `on` only for the server's own work. They're always set together, so that nothing remains from
 * the connection's former use.
 */
export const settingsOf = (shown: Shown): string => {
  const organization = shown === "*" || shown === "none" || shown === "unsaid" ? "" : shown
  return `set maxcloud.organization = ${pg.escapeLiteral(organization)}; set maxcloud.all_rows = ${shown === "*" ? "on" : "off"}`
}

/** Reverts settings made since the transaction or savepoint began. */
const takesBack = /^\s*(rollback|abort|discard|reset)\b/i

/**
 * A connection, and its present row scope. The scope changes before a statement that needs another one. One statement
 * runs at a time, so each runs under its own scope, even if fibers of several scopes share a transaction.
 */
export class Session {
  readonly client: pg.PoolClient
  /** undefined: unknown. */
  #shown: Shown | undefined
  #busy = false
  readonly #waiting: Array<() => void> = []
  /** The connection is silent or refuses writes, or a transaction couldn't be ended: don't use it again. */
  broken = false

  constructor(client: pg.PoolClient, shown: Shown) {
    this.client = client
    this.#shown = shown
  }

  /**
   * `scope` undefined: a statement of the transaction itself (BEGIN, COMMIT). `sent` false: it never reached the
   * database.
   */
  send(scope: Shown | undefined, statement: Statement, answered: Answered): void {
    if (this.#busy) {
      this.#waiting.push(() => this.send(scope, statement, answered))
      return
    }
    this.#busy = true
    const done: Answered = (error, sent, answer) => {
      this.#busy = false
      answered(error, sent, answer)
      while (!this.#busy) {
        const next = this.#waiting.shift()
        if (next === undefined) return
        next()
      }
    }
    if (this.broken) {
      queueMicrotask(() => done(new Error("The connection was closed."), false))
    } else if (scope === undefined || this.#shown === scope) {
      this.#query(statement, done)
    } else {
      this.#shown = undefined
      // Send the statement only after the setting succeeded. Sent together, it would run even if the setting failed.
      this.client.query(settingsOf(scope), (error?: Error | null) => {
        if (error) {
          this.#noteSilence(error)
          done(error, false)
        } else {
          this.#shown = scope
          this.#query(statement, done)
        }
      })
    }
  }

  #query({ rowMode, text, values }: Statement, answered: Answered) {
    const done = (error: Error | null | undefined, answer?: Answer | ReadonlyArray<Answer>) => {
      if (error) this.#noteSilence(error)
      if (isReadOnly(error)) this.broken = true
      if (takesBack.test(text)) {
        this.#shown = undefined
        if (error) this.broken = true
      }
      // A COMMIT after a failed statement is a ROLLBACK.
      if (answer !== undefined && "command" in answer && answer.command === "ROLLBACK") this.#shown = undefined
      answered(error ?? undefined, !isUnsent(error), answer)
    }
    const parameters = values.map(storable)
    if (rowMode === undefined) this.client.query<object, unknown[]>(text, parameters, done)
    else this.client.query<unknown[], unknown[]>({ text, values: parameters, rowMode }, done)
  }

  #noteSilence(error: Error) {
    if (error.message === "Query read timeout") this.broken = true
  }

  /** Returns the connection to the pool, or closes it if it can't be used again. */
  release(): void {
    // The next user would inherit a transaction that's still open.
    this.client.release(this.broken || /[TE]/.test(this.client.getTransactionStatus() ?? ""))
  }
}
