import type { SqlError } from "@effect/sql/SqlError"
import { Duration, Effect, FiberSet, Queue } from "effect"
import { endWithin } from "../node/endWithin.ts"
import { keepDoing } from "../node/keepDoing.ts"
import { Notifications } from "./Notifications.ts"
import { asServer } from "./RowScope.ts"

/** Work stored in a table and shared by servers through leases. */
export interface LeasedWork<Item> {
  /** For the log. */
  readonly name: string
  /** The wake-up for new work. */
  readonly wakeUp: string
  /** How often to poll, because a wake-up can be lost. */
  readonly lookMs: number
  /** How many items to work on at a time. */
  readonly concurrency: number
  /** How long work in progress may take to finish when the server stops. */
  readonly drainMs: number
  /** Leases the item that has been due for the longest time, if any. */
  readonly claim: Effect.Effect<Item | undefined, SqlError>
  readonly work: (item: Item) => Effect.Effect<void>
}

/** Works on due items until the scope ends. */
export const workLeased = <Item>({ claim, concurrency, drainMs, lookMs, name, wakeUp, work }: LeasedWork<Item>) =>
  Effect.gen(function* () {
    const messages = yield* Notifications.pipe(Effect.flatMap((found) => found.subscribe))
    const wake = Queue.take(messages).pipe(
      Effect.repeat({ until: (value) => value === wakeUp || value === "reconnected" }),
      Effect.timeoutOption(Duration.millis(lookMs))
    )
    const slots = yield* Effect.makeSemaphore(concurrency)
    const working = yield* FiberSet.make()
    yield* Effect.addFinalizer(() => FiberSet.awaitEmpty(working).pipe(endWithin(Duration.millis(drainMs))))
    const next = Effect.uninterruptibleMask((restore) =>
      Effect.gen(function* () {
        yield* restore(slots.take(1))
        const item = yield* claim.pipe(Effect.onError(() => slots.release(1)))
        if (item === undefined) {
          yield* slots.release(1)
          return yield* restore(wake)
        }
        yield* FiberSet.run(working, Effect.interruptible(work(item)).pipe(Effect.ensuring(slots.release(1))))
      })
    )
    yield* keepDoing(name, { every: 0, longestPause: lookMs }, asServer(next))
  })
