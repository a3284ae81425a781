import type { Turns } from "@maxcloud/config-schema"
import { Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/** How long one piece of work may hold the server's thread before waiting work gets its turn. */
const turnMs = 5

/** Many times what the largest allowed app needs on a busy machine. */
const budgetMs = 10_000

const waiting: Array<() => void> = []

/** One at a time, first come first served. In between, the event loop handles new events. */
const next = () => {
  const begin = waiting.shift()
  if (waiting.length > 0) setImmediate(next)
  begin?.()
}

const myTurn = Effect.async<void>((resume) => {
  const begin = () => resume(Effect.void)
  waiting.push(begin)
  if (waiting.length === 1) setImmediate(next)
  return Effect.sync(() => {
    const at = waiting.indexOf(begin)
    // Keep the first one's place: the next turn is scheduled for it.
    if (at !== -1) waiting[at] = () => {}
  })
})

/**
 * Does work that pauses between its parts, a few milliseconds at a time, however many callers do so at once. Cheap requests are
 * answered in between. 503 if it takes more time than any allowed app needs.
 */
export const inTurns = <A>(
  begin: () => Turns<A>,
  options: { readonly budgetMs?: number; readonly now?: () => number } = {}
): Effect.Effect<A, Unavailable> =>
  Effect.gen(function* () {
    const now = options.now ?? (() => performance.now())
    const budget = options.budgetMs ?? budgetMs
    const work = begin()
    for (let spent = 0; spent <= budget; ) {
      yield* myTurn
      const start = now()
      do {
        const step = work.next()
        if (step.done === true) return step.value
      } while (now() - start < turnMs)
      spent += now() - start
    }
    return yield* new Unavailable({
      detail: `The server couldn't check this app within ${budget / 1000} s of processing time. Retry, or split the app into smaller ones.`,
      retryAfterSeconds: 30
    })
  })
