import { Clock, Duration, Effect, Schedule, ScheduleDecision, ScheduleInterval } from "effect"

/**
 * Milliseconds of a clock that nobody sets, for what waits or measures; only differences mean something. It goes with `TestClock`. Outside of
 * effects it's `performance.now()`. Effect's own `currentTimeMillis` is the wall clock, which tells people when something was: set back by an
 * hour, a wait that was measured by it would last an hour longer.
 */
export const monotonicMillis: Effect.Effect<number> = Effect.map(
  Clock.currentTimeNanos,
  (nanos) => Number(nanos) / 1_000_000
)

const spent = Schedule.makeWithState<number | undefined, unknown, number>(undefined, (now, _input, begun) =>
  Effect.map(
    monotonicMillis,
    (at) => [begun ?? at, at - (begun ?? at), ScheduleDecision.continueWith(ScheduleInterval.after(now))] as const
  )
)

/** `Schedule.upTo`, by a clock that nobody sets: that one compares times of the wall clock. */
export const within =
  (duration: Duration.DurationInput) =>
  <Out, In, R>(schedule: Schedule.Schedule<Out, In, R>): Schedule.Schedule<Out, In, R> =>
    Schedule.zipLeft(
      schedule,
      Schedule.whileOutput(spent, (millis) => millis < Duration.toMillis(duration))
    )

/** `Effect.cachedWithTTL`, by a clock that nobody sets: with that one, a value would hold for an hour longer. Failures aren't kept. */
export const cachedFor = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  duration: Duration.DurationInput
): Effect.Effect<Effect.Effect<A, E, R>> =>
  Effect.map(Effect.makeSemaphore(1), (oneAtATime) => {
    let held: { readonly value: A; readonly since: number } | undefined
    return oneAtATime.withPermits(1)(
      Effect.gen(function* () {
        const now = yield* monotonicMillis
        if (held !== undefined && now - held.since < Duration.toMillis(duration)) return held.value
        const value = yield* effect
        held = { value, since: yield* monotonicMillis }
        return value
      })
    )
  })
