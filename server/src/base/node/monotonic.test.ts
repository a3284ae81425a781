import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Ref, Schedule, TestClock } from "effect"
import { cachedFor, monotonicMillis, within } from "./monotonic.ts"

/** The live clock, whose wall time is set back by an hour after two reads. */
const setBack = Effect.clockWith((clock) =>
  Effect.sync((): Clock.Clock => {
    let reads = 0
    const millis = () => Date.now() - (reads++ < 2 ? 0 : 3_600_000)
    return {
      [Clock.ClockTypeId]: Clock.ClockTypeId,
      unsafeCurrentTimeMillis: millis,
      unsafeCurrentTimeNanos: () => clock.unsafeCurrentTimeNanos(),
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanos: clock.currentTimeNanos,
      sleep: (duration) => clock.sleep(duration)
    }
  })
)

const repeated = (schedule: Schedule.Schedule<unknown>) =>
  Effect.gen(function* () {
    const runs = yield* Ref.make(0)
    const clock = yield* setBack
    yield* Ref.update(runs, (found) => found + 1).pipe(
      Effect.repeat(schedule),
      Effect.withClock(clock),
      Effect.timeoutOption("3 seconds")
    )
    return yield* Ref.get(runs)
  })

describe("a schedule that ends after a time", () => {
  it.live("ends even if the wall clock is set back meanwhile, unlike Effect's own", () =>
    Effect.gen(function* () {
      expect(yield* repeated(Schedule.spaced("20 millis").pipe(within("200 millis")))).toBeLessThan(15)
      expect(yield* repeated(Schedule.spaced("20 millis").pipe(Schedule.upTo("200 millis")))).toBeGreaterThan(20)
    })
  )

  it.effect("follows the test clock", () =>
    Effect.gen(function* () {
      const before = yield* monotonicMillis
      yield* TestClock.adjust("1 hour")
      expect((yield* monotonicMillis) - before).toBe(3_600_000)
    })
  )
})

describe("an answer that is cached for a while", () => {
  it.effect("is looked up once for all concurrent callers, again once it's stale, and at once after a failure", () =>
    Effect.gen(function* () {
      const looks = yield* Ref.make(0)
      const kept = yield* cachedFor(
        Ref.updateAndGet(looks, (found) => found + 1).pipe(
          Effect.filterOrFail(
            (error) => error > 1,
            () => "no" as const
          )
        ),
        "1 second"
      )
      expect(yield* Effect.flip(kept)).toBe("no")
      expect(yield* Effect.all([kept, kept, kept], { concurrency: 3 })).toStrictEqual([2, 2, 2])
      yield* TestClock.adjust("999 millis")
      expect(yield* kept).toBe(2)
      yield* TestClock.adjust("1 millis")
      expect(yield* kept).toBe(3)
    })
  )
})
