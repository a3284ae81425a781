import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import fc from "fast-check"
import type { LogLine } from "../../../stores/logs/LogLine.ts"
import { type FeedReader, PodFeed } from "./PodFeed.ts"

const lineOf = (n: number): LogLine => ({
  t: `2026-01-01T00:00:00.${String(n).padStart(9, "0")}Z`,
  n: 0,
  uid: "u",
  instance: "pod",
  revision: "web-00001",
  line: "x".repeat(36),
  truncated: false
})
/** `count` lines of 100 bytes each. */
const linesFrom = (first: number, count: number) => Array.from({ length: count }, (_, n) => lineOf(first + n))
const feedOf = (maxBytes: number, patienceMillis = 100) => {
  const feed = new PodFeed(undefined, () => undefined, { maxBytes, patienceMillis })
  feed.begin()
  return feed
}

/** Takes pieces until there are `count` lines, or the reader is lost. */
const takeLines = (reader: FeedReader, count: number, pause = Effect.void) =>
  Effect.gen(function* () {
    const got: Array<string> = []
    while (got.length < count) {
      const piece = yield* reader.take
      if (piece === "lost") return { got, lost: true }
      if ("type" in piece && piece.type === "lines") got.push(...piece.lines.map(({ t }) => t))
      yield* pause
    }
    return { got, lost: false }
  })

describe("the feed of an instance", () => {
  it.live("gives each reader every line once and in order, however they take turns", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(
          fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 30 }),
          fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 4 }),
          (batches, paces) =>
            Effect.runPromise(
              Effect.gen(function* () {
                const feed = feedOf(1_000, 60_000)
                const total = batches.reduce((a, b) => a + b, 0)
                const readers = paces.map(() => feed.join({ attached: true }))
                const fibers = yield* Effect.forEach(readers, (reader, n) =>
                  Effect.fork(takeLines(reader, total, Effect.repeatN(Effect.yieldNow(), paces[n] ?? 0)))
                )
                let next = 0
                for (const count of batches) {
                  yield* feed.give(linesFrom(next, count), true)
                  next += count
                }
                const wanted = linesFrom(0, total).map(({ t }) => t)
                for (const fiber of fibers) expect(yield* Fiber.join(fiber)).toEqual({ got: wanted, lost: false })
              })
            )
        ),
        { numRuns: 100 }
      )
    )
  )

  it.live("loses a reader that keeps the others waiting, and holds no more than its bound", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000)
      const stuck = feed.join({ attached: true })
      const fast = yield* Effect.fork(takeLines(feed.join({ attached: true }), 200))
      yield* Effect.forEach(
        Array.from({ length: 20 }, (_, n) => n),
        (n) => feed.give(linesFrom(n * 10, 10), true),
        { discard: true }
      )
      expect((yield* Fiber.join(fast)).got).toHaveLength(200)
      expect(stuck.isLost()).toBe(true)
      expect(yield* stuck.take).toBe("lost")
    })
  )

  it.live("loses a reader that is always a little slow, too", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000)
      const slow = feed.join({ attached: true })
      yield* Effect.fork(takeLines(slow, 1_000, Effect.sleep("20 millis")))
      const fast = yield* Effect.fork(takeLines(feed.join({ attached: true }), 1_000))
      yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n),
        (n) => feed.give(linesFrom(n * 10, 10), true),
        { discard: true }
      )
      expect((yield* Fiber.join(fast)).got).toHaveLength(1_000)
      expect(slow.isLost()).toBe(true)
    })
  )

  it.live("keeps the place of an essential reader, and loses those that it keeps waiting until it moves", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000)
      const stuck = feed.join({ attached: true, essential: true })
      const fast = yield* Effect.fork(takeLines(feed.join({ attached: true }), 100))
      let given = 0
      const source = yield* Effect.fork(
        Effect.forEach(
          Array.from({ length: 10 }, (_, n) => n),
          (n) => Effect.map(feed.give(linesFrom(n * 10, 10), true), () => given++),
          { discard: true }
        )
      )
      const { got, lost } = yield* Fiber.join(fast)
      expect([lost, stuck.isLost(), given < 10]).toEqual([true, false, true])
      expect(feed.join().attach(lineOf(got.length))).toBe(false)
      expect((yield* takeLines(stuck, 100)).got).toHaveLength(100)
      yield* Fiber.join(source)
      expect(feed.join().attach(lineOf(100))).toBe(true)
    })
  )

  it.effect("tells a reader that joins later whether it's current", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000)
      const first = feed.join({ attached: true })
      feed.tell({ type: "current", current: true })
      yield* first.take
      const later = feed.join()
      feed.tell({ type: "current", current: false })
      expect(later.attach(undefined)).toBe(true)
      expect(yield* later.take).toEqual({ type: "current", current: true })
      expect(yield* later.take).toEqual({ type: "current", current: false })
    })
  )

  it.live("waits for a single reader as long as it takes, with two pieces at most", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000, 0)
      const single = feed.join({ attached: true })
      const begun = yield* Deferred.make<void>()
      let given = 0
      yield* Effect.fork(
        Effect.forEach(
          Array.from({ length: 10 }, (_, n) => n),
          (n) =>
            Effect.zipRight(
              feed.give(linesFrom(n * 10, 10), true),
              Effect.suspend(() => {
                given++
                return Deferred.succeed(begun, undefined)
              })
            ),
          { discard: true }
        )
      )
      // By then, a source that doesn't wait has given everything.
      yield* Deferred.await(begun)
      expect(given).toBe(1)
      expect((yield* takeLines(single, 100)).got).toHaveLength(100)
      expect(single.isLost()).toBe(false)
    })
  )

  it.effect("attaches a reader only if it lacks no line before its place", () =>
    Effect.gen(function* () {
      const feed = feedOf(100_000)
      feed.join({ attached: true })
      yield* feed.give(linesFrom(0, 10), true)
      const reader = feed.join()
      expect(reader.attach(undefined)).toBe(false)
      expect(reader.attach(lineOf(8))).toBe(false)
      expect(reader.attach(lineOf(9))).toBe(true)
    })
  )

  it.effect("doesn't wait for a reader that isn't attached, and loses it beyond the bound", () =>
    Effect.gen(function* () {
      const feed = feedOf(1_000)
      const first = feed.join({ attached: true })
      yield* feed.give(linesFrom(0, 1), true)
      const waiting = feed.join()
      yield* first.take
      yield* feed.give(linesFrom(1, 11), true)
      expect(waiting.isLost()).toBe(true)
      expect(waiting.attach(lineOf(20))).toBe(false)
    })
  )

  it.effect("is unused when the last attached reader has left", () =>
    Effect.sync(() => {
      let unused = 0
      const feed = new PodFeed(undefined, () => unused++)
      const [one, two] = [feed.join({ attached: true }), feed.join({ attached: true })]
      const waiting = feed.join()
      one.leave()
      expect(unused).toBe(0)
      two.leave()
      two.leave()
      expect([unused, waiting.isLost()]).toEqual([1, true])
    })
  )
})
