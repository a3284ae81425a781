import { Context, Effect, Exit, Option } from "effect"

/** One call of `transaction`, with its repetitions. */
class Run {
  postponements = 0
}

/**
 * How often a transaction is repeated for such work. Work whose key is new in each repetition, as for an owner that the transaction
 * itself creates, then runs inside: nobody else waits for that owner's rows.
 */
const mostPostponements = 3

/** The outermost `transaction` that the fiber is in. */
class CurrentRun extends Context.Reference<CurrentRun>()("@maxcloud/server/CurrentRun", {
  defaultValue: (): Run | undefined => undefined
}) {}

/** Passes through a transaction as a defect, which rolls it back. */
class Postponed {
  readonly work: Effect.Effect<void>
  constructor(work: Effect.Effect<void>) {
    this.work = work
  }
}

/**
 * Work that asks another service, and so must not run while a transaction holds locks. Inside a `transaction`, it's rolled
 * back, the work is done, and the transaction runs again with the outcome. Outside, it just runs. `key` names the work
 * within a transaction.
 */
export const makeBeforeTransaction = <A, E>() => {
  const outcomes = new WeakMap<Run, Map<string, Exit.Exit<A, E>>>()
  return (key: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    Effect.flatMap(CurrentRun, (run) => {
      if (run === undefined) return work
      const known = outcomes.get(run) ?? new Map<string, Exit.Exit<A, E>>()
      outcomes.set(run, known)
      const outcome = known.get(key)
      if (outcome !== undefined) return outcome
      if (run.postponements >= mostPostponements) return work
      run.postponements++
      return Effect.die(
        new Postponed(
          Effect.exit(work).pipe(
            Effect.flatMap((exit) =>
              Exit.isInterrupted(exit) ? Effect.interrupt : Effect.sync(() => void known.set(key, exit))
            )
          )
        )
      )
    })
}

/** Runs a transaction again after each piece of work that it postponed. */
export const withPostponed = <A, E, R>(attempt: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const once = Effect.provideService(attempt, CurrentRun, new Run())
    const again: Effect.Effect<A, E, R> = Effect.catchSomeDefect(once, (defect) =>
      defect instanceof Postponed ? Option.some(Effect.zipRight(defect.work, again)) : Option.none()
    )
    return again
  })
