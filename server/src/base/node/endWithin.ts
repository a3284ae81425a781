import { type Duration, Effect } from "effect"

/**
 * Gives up waiting for `effect` after this time, in a finalizer too. A finalizer can't be interrupted, so a timeout inside one would wait
 * for what it is to end: `Effect.timeout` interrupts the effect and awaits that. Here the effect can be interrupted, and its interruption
 * isn't awaited.
 */
export const endWithin =
  (duration: Duration.DurationInput) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<void, E, R> =>
    effect.pipe(Effect.disconnect, Effect.interruptible, Effect.timeoutOption(duration), Effect.asVoid)
