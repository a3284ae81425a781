import { Clock, Duration, Effect, Schedule, ScheduleDecision, ScheduleInterval } from "effect"

/**
 * Milliseconds of a monotonic clock, for waiting and measuring; only differences mean something. It works with
 * `TestClock`. Outside of effects it's `performance.now()`. Effect's own `currentTimeMillis` is the wall clock, for
 * times that people read. If that's set back by an hour, a wait measured by it lasts an hour longer.
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

/** `Schedule.upTo` by a monotonic clock. Effect's own compares times of the wall clock. */
export const within =
  (duration: Duration.DurationInput) =>
  <Out, In, R>(schedule: Schedule.Schedule<Out, In, R>): Schedule.Schedule<Out, In, R> =>
    Schedule.zipLeft(
      schedule,
      Schedule.whileOutput(spent, (millis) => millis < Duration.toMillis(duration))
    )

/** `Effect.cachedWithTTL` by a monotonic clock. With Effect's own, a clock set back by an hour keeps values an hour longer. Failures aren't cached. */
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
