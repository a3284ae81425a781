import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { inTurns } from "./turns.ts"

/** A clock that each part of the work advances. */
const workOf = (parts: number, msPerPart: number, onPart: () => void = () => {}) => {
  let time = 0
  return {
    now: () => time,
    *begin() {
      for (let part = 0; part < parts; part++) {
        yield
        time += msPerPart
        onPart()
      }
      return parts
    }
  }
}

describe("inTurns", () => {
  it.effect("returns the result of the work", () =>
    Effect.gen(function* () {
      const { begin, now } = workOf(100, 1)
      expect(yield* inTurns(begin, { now })).toBe(100)
    })
  )

  it.effect("lets others have a turn at least every few parts, while many work at once", () =>
    Effect.gen(function* () {
      let sinceOthers = 0
      let most = 0
      const others = setInterval(() => {}, 0)
      const tick = () => {
        sinceOthers = 0
        if (!ended) setImmediate(tick)
      }
      let ended = false
      setImmediate(tick)
      const works = Array.from({ length: 10 }, () =>
        workOf(50, 1, () => {
          sinceOthers++
          most = Math.max(most, sinceOthers)
        })
      )
      yield* Effect.all(
        works.map(({ begin, now }) => inTurns(begin, { now })),
        { concurrency: "unbounded" }
      )
      ended = true
      clearInterval(others)
      // A turn ends after five milliseconds, here five parts; between two turns of the others, at most one turn ends and one
      // begins.
      expect(most).toBeLessThanOrEqual(12)
    })
  )

  it.effect("answers 503 for work that exceeds its time", () =>
    Effect.gen(function* () {
      const { begin, now } = workOf(1_000_000, 1)
      const error = yield* Effect.flip(inTurns(begin, { now, budgetMs: 100 }))
      expect(error.status).toBe(503)
      expect(error.detail).toMatch(/couldn't check this app within 0\.1 s .* split the app/)
    })
  )

  it.live("continues with the others when one is interrupted", () =>
    Effect.gen(function* () {
      const first = workOf(1_000, 1)
      const second = workOf(1_000, 1)
      const fiber = yield* Effect.fork(inTurns(first.begin, { now: first.now }))
      const other = yield* Effect.fork(inTurns(second.begin, { now: second.now }))
      yield* Effect.yieldNow()
      yield* fiber.interruptAsFork(fiber.id())
      expect(yield* other).toBe(1_000)
    })
  )
})
