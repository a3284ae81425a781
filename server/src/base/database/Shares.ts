import { SqlError } from "@effect/sql/SqlError"
import { Effect, type Scope } from "effect"

export const waitMillis = 10_000

/**
 * All connections of the caller's share are in use. That's temporary, but retrying at once is useless: the caller has
 * already waited.
 */
export class AllInUse extends Error {
  override readonly name = "AllInUse"
  /** insufficient_resources */
  readonly code = "53000"
  constructor() {
    super(`All database connections available for this work were in use for ${waitMillis / 1000} s.`)
  }
}

/**
 * How many connections the transactions of one organization may hold at once. They all lock the same audit log in turn,
 * so more of them would only hold connections while they wait for each other, and other organizations would get none.
 */
export class Shares {
  readonly #each: number
  readonly #held = new Map<string, { count: number; readonly waiting: Set<() => void> }>()

  constructor(each: number) {
    this.#each = each
  }

  /** For a pool of this many connections. */
  static of(connections: number) {
    return new Shares(Math.max(2, Math.floor(connections / 4)))
  }

  #take(owner: string, use: () => void): () => void {
    const share = this.#held.get(owner) ?? { count: 0, waiting: new Set() }
    this.#held.set(owner, share)
    if (share.count < this.#each) {
      share.count++
      use()
    } else share.waiting.add(use)
    return () => {
      share.waiting.delete(use)
    }
  }

  #free(owner: string) {
    const share = this.#held.get(owner)
    if (share === undefined) return
    const [next] = share.waiting
    if (next !== undefined) {
      share.waiting.delete(next)
      next()
      return
    }
    share.count--
    if (share.count === 0) this.#held.delete(owner)
  }

  /** Holds one for as long as the scope is open. Waits for it as long as for a connection. */
  one(owner: string): Effect.Effect<void, SqlError, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.async<void, SqlError>((resume) => {
        const late = setTimeout(() => {
          forget()
          resume(Effect.fail(new SqlError({ cause: new AllInUse(), message: "Failed to acquire connection" })))
        }, waitMillis)
        const forget = this.#take(owner, () => {
          clearTimeout(late)
          resume(Effect.void)
        })
      }),
      () => Effect.sync(() => this.#free(owner))
    )
  }
}
