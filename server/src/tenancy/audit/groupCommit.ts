import type { SqlError } from "@effect/sql/SqlError"
import { Deferred, Effect, Exit, type Scope } from "effect"
import { isPassingFault } from "../../base/database/sqlErrors.ts"
import type { Chain } from "./chain.ts"

/** What one call appends: all of it or nothing. */
interface Waiting<Entry> {
  readonly entries: ReadonlyArray<Entry>
  readonly done: Deferred.Deferred<void, SqlError>
}

/**
 * Entries in a transaction. The chain is locked meanwhile, also for writers with their own transactions, so it stays short.
 */
const mostTogether = 64

/** The next calls whose entries fit into one transaction, at least one call. */
const nextGroup = <Entry>(queue: Array<Waiting<Entry>>): ReadonlyArray<Waiting<Entry>> => {
  let calls = 0
  let count = 0
  for (const { entries } of queue) {
    count += entries.length
    if (calls > 0 && count > mostTogether) break
    calls++
  }
  return queue.splice(0, calls)
}

/**
 * Appends entries that have no transaction of their own. While a transaction of their chain is being committed, further entries
 * wait, and then share the next one: a commit takes far longer than an entry. A call returns once its entries are committed.
 */
export const makeGroupCommit = <Entry>(
  write: (chain: Chain, entries: ReadonlyArray<Entry>) => Effect.Effect<void, SqlError>,
  scope: Scope.Scope
) => {
  /** The chains with a transaction under way, with the calls that wait for the next one. */
  const queues = new Map<Chain, Array<Waiting<Entry>>>()

  const alone = (chain: Chain, { done, entries }: Waiting<Entry>) => Effect.intoDeferred(write(chain, entries), done)

  const together = (chain: Chain, group: ReadonlyArray<Waiting<Entry>>) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        write(
          chain,
          group.flatMap(({ entries }) => entries)
        )
      )
      // A refused entry must not take others along. After a passing fault it isn't known what was committed, or nothing can be.
      const retries = Exit.isFailure(exit) && exit.cause._tag === "Fail" && !isPassingFault(exit.cause.error)
      yield* Effect.forEach(
        group,
        (waiting) => (retries && group.length > 1 ? alone(chain, waiting) : Deferred.done(waiting.done, exit)),
        { discard: true }
      )
    })

  const drain = (chain: Chain, queue: Array<Waiting<Entry>>) => {
    let group: ReadonlyArray<Waiting<Entry>> = []
    const rounds = Effect.gen(function* () {
      for (;;) {
        group = nextGroup(queue)
        if (group.length === 0) {
          // In the same step as the look at the queue, so that no call comes in between.
          queues.delete(chain)
          return
        }
        yield* together(chain, group)
      }
    })
    // The server stops, perhaps before the first round begins: only what is inside can be interrupted, not the cleanup.
    return Effect.onInterrupt(Effect.interruptible(rounds), () =>
      Effect.suspend(() => {
        queues.delete(chain)
        const waiting = [...group, ...queue.splice(0)]
        return Effect.forEach(waiting, ({ done }) => Deferred.interrupt(done), { discard: true })
      })
    )
  }

  return (chain: Chain, entries: ReadonlyArray<Entry>): Effect.Effect<void, SqlError> =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        const waiting: Waiting<Entry> = { entries, done: yield* Deferred.make<void, SqlError>() }
        const queue = queues.get(chain)
        if (queue === undefined) {
          const fresh = [waiting]
          queues.set(chain, fresh)
          yield* Effect.forkIn(drain(chain, fresh), scope)
        } else queue.push(waiting)
        yield* restore(Deferred.await(waiting.done)).pipe(
          Effect.onInterrupt(() =>
            Effect.sync(() => {
              // Nothing is written for a caller that has gone, unless it's being committed.
              const left = queues.get(chain)
              const at = left?.indexOf(waiting) ?? -1
              if (at !== -1) left?.splice(at, 1)
            })
          )
        )
      })
    )
}
