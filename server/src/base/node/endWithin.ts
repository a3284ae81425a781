import { type Duration, Effect } from "effect"

/**
 * Stops waiting for `effect` after this time, in a finalizer too. `Effect.timeout` interrupts the effect and then awaits
 * its end. In a finalizer, which can't be interrupted, it would wait forever. Here the effect can be interrupted, and we
 * don't await its interruption.
 */
export const endWithin =
  (duration: Duration.DurationInput) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
    effect.pipe(Effect.disconnect, Effect.interruptible, Effect.timeoutOption(duration), Effect.asVoid)
