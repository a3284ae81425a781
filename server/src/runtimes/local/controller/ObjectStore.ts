import { Duration, Effect } from "effect"
import type { RuntimeError } from "../../port/Runtime.ts"
import type { LocalObject, LocalObjects } from "../objects/LocalObjects.ts"

/** An entry whose object is written some time after a change. */
export interface Stored {
  readonly stored: () => LocalObject
}

type Ref = Pick<LocalObject, "organizationId" | "namespace" | "kind" | "name">

/** Writes objects in successive batches, so that a late write never overtakes a newer one. */
export interface ObjectStore {
  /** Writes at once, and then changes memory with `commit`, before any other write. `plan` sees all earlier commits. */
  readonly transact: <A, E>(plan: Effect.Effect<Transaction<A>, E>) => Effect.Effect<A, E | RuntimeError>
  /** Writes it soon, together with others. */
  readonly later: (stored: Stored) => void
  /** Doesn't write it any more. Call this in the `commit` that removed it. */
  readonly forget: (stored: Stored) => void
  /** Writes what is pending, and accepts no more. */
  readonly close: Effect.Effect<void>
}

export interface Transaction<A> {
  readonly put: ReadonlyArray<LocalObject>
  readonly remove: ReadonlyArray<Ref>
  readonly commit: () => A
}

const batchDelay = Duration.millis(200)
const retryDelay = Duration.seconds(2)

export const makeObjectStore = (
  objects: typeof LocalObjects.Service,
  fork: (effect: Effect.Effect<void>) => unknown
): ObjectStore => {
  const lock = Effect.unsafeMakeSemaphore(1)
  const waiting = new Set<Stored>()
  const forgotten = new WeakSet<Stored>()
  let scheduled = false
  let closed = false

  const flush = lock.withPermits(1)(
    Effect.suspend(() => {
      const batch = [...waiting].filter((value) => !forgotten.has(value))
      waiting.clear()
      const again = Effect.sync(() => {
        for (const stored of batch) waiting.add(stored)
      })
      return batch.length === 0
        ? Effect.void
        : putEach(
            objects,
            batch.map((each) => each.stored())
          ).pipe(Effect.tapErrorCause(() => again))
    })
  )

  const schedule = (delay: Duration.Duration) => {
    if (scheduled || closed) return
    scheduled = true
    fork(
      Effect.sleep(delay).pipe(
        Effect.zipRight(Effect.sync(() => (scheduled = false))),
        Effect.zipRight(flush),
        Effect.catchAllCause((cause) =>
          Effect.zipRight(
            Effect.logWarning("Couldn't store statuses. Retrying in 2 s", cause),
            Effect.sync(() => schedule(retryDelay))
          )
        )
      )
    )
  }

  return {
    transact: (plan) =>
      lock.withPermits(1)(
        Effect.gen(function* () {
          const { commit, put, remove } = yield* plan
          // Don't interrupt between the write and the update of memory.
          return yield* Effect.uninterruptible(
            Effect.gen(function* () {
              if (put.length > 0) yield* objects.put(put)
              if (remove.length > 0) yield* objects.remove(remove)
              return commit()
            })
          )
        })
      ),
    forget: (stored) => {
      forgotten.add(stored)
      waiting.delete(stored)
    },
    later: (stored) => {
      if (closed || forgotten.has(stored)) return
      waiting.add(stored)
      schedule(batchDelay)
    },
    close: Effect.suspend(() => {
      closed = true
      return Effect.catchAllCause(flush, (cause) => Effect.logWarning("Couldn't store statuses", cause))
    })
  }
}

/** A defect is an object that the database always refuses: leave it out until it changes, so that it blocks no other. */
const putEach = (
  objects: typeof LocalObjects.Service,
  batch: ReadonlyArray<LocalObject>
): Effect.Effect<void, RuntimeError> =>
  objects.put(batch).pipe(
    Effect.catchAllDefect((defect) => {
      const [first] = batch
      if (batch.length > 1) return Effect.forEach(batch, (one) => putEach(objects, [one]), { discard: true })
      return Effect.logError(`The database can't store ${first?.organizationId}/${first?.kind}/${first?.name}`, defect)
    })
  )
