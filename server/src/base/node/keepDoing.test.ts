import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, LogLevel, Queue, TestClock } from "effect"
import { backgroundFailures, keepDoing } from "./keepDoing.ts"

const logging = (lines: Array<string>) =>
  Logger.replace(
    Logger.defaultLogger,
    Logger.make(({ logLevel, message }) => {
      if (LogLevel.greaterThanEqual(logLevel, LogLevel.Info)) lines.push(`${logLevel.label} ${[message].flat()[0]}`)
    })
  )

describe("keepDoing", () => {
  it.scoped("continues after errors, defects and inner interruptions, logs each kind once, and counts them", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const runs = yield* Queue.unbounded<number>()
      let count = 0
      const bodies = [
        Effect.fail(new TypeError("first")),
        Effect.fail(new TypeError("second")),
        Effect.die(new RangeError("a thrown decode error")),
        Effect.interrupt
      ]
      yield* keepDoing(
        "test of all causes",
        "2 seconds",
        Effect.suspend(() => {
          const body = bodies[count] ?? Effect.void
          return Effect.zipRight(Queue.offer(runs, count++), body)
        })
      )
      for (let run = 0; run < 6; run++) {
        assert.strictEqual(yield* Queue.take(runs), run)
        yield* TestClock.adjust("3 seconds")
      }
      assert.strictEqual(lines.filter((line) => line.startsWith("WARN")).length, 3, lines.join("\n"))
      assert.strictEqual(lines.filter((line) => line.includes("works again")).length, 1)
      assert.strictEqual(backgroundFailures().get("test of all causes"), 4)
    }).pipe(Effect.provide(logging(lines)))
  })

  it.scoped("backs off after failures, to `longestPause` at most", () =>
    Effect.gen(function* () {
      let count = 0
      yield* keepDoing(
        "test of pauses",
        { every: 0, longestPause: "10 seconds" },
        Effect.zipRight(
          Effect.sync(() => count++),
          Effect.fail("no")
        )
      )
      yield* TestClock.adjust("1 minute")
      assert.isBelow(count, 16)
      const before = count
      yield* TestClock.adjust("13 seconds")
      assert.isAbove(count, before)
    })
  )

  it.effect("ends with its scope", () =>
    Effect.gen(function* () {
      let count = 0
      yield* Effect.scoped(
        Effect.zipRight(
          keepDoing(
            "test of the end",
            "1 second",
            Effect.sync(() => count++)
          ),
          TestClock.adjust("3 seconds")
        )
      )
      const before = count
      assert.isAbove(before, 1)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(count, before)
    })
  )
})
