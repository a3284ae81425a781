import { describe, expect, it } from "@effect/vitest"
import { Deferred, type Duration, Effect, Either, Exit, Fiber, Scope, TestClock, TestContext } from "effect"
import { sizeText } from "../../../base/words/bytesText.ts"
import { imageProblem } from "../ImageProblem.ts"
import { makePulls, type Pulls } from "./pulls.ts"
import { makePullText } from "./pullText.ts"

const withPulls = <A, E>(use: (pulls: Pulls) => Effect.Effect<A, E, Scope.Scope>, timeLimit?: Duration.DurationInput) =>
  Effect.runPromise(
    Effect.flatMap(makePulls(undefined, timeLimit), use).pipe(Effect.scoped, Effect.provide(TestContext.TestContext))
  )

const request = (key: string, told: Array<string> = [], organization = "acme", registry = "r.example.com") => ({
  key,
  organization,
  registry,
  onProgress: (line: string) => void told.push(line)
})

const hanging = () => {
  const state = { begun: 0, ended: 0 }
  const work = () =>
    Effect.suspend(() => {
      state.begun++
      return Effect.never
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => state.ended++)))
  return { state, work }
}

describe("pulls", () => {
  it("pull an image once for all who ask for it, and give all of them the result", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        let begun = 0
        const work = () =>
          Effect.suspend(() => {
            begun++
            return Effect.as(Deferred.await(gate), "sha256:1")
          })
        const asked = yield* Effect.forEach([1, 2, 3], () => Effect.fork(pulls.pull(request("a"), work)))
        yield* TestClock.adjust("1 second")
        yield* Deferred.succeed(gate, undefined)
        expect(yield* Effect.forEach(asked, Fiber.join)).toStrictEqual(["sha256:1", "sha256:1", "sha256:1"])
        expect(begun).toBe(1)
        // It isn't cached: later callers have checked whether the image exists.
        expect(yield* pulls.pull(request("a"), work)).toBe("sha256:1")
        expect(begun).toBe(2)
      })
    ))

  it("continue even if a progress callback throws", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const work = () => Effect.as(Effect.sleep("5 seconds"), "sha256:1")
        const told: Array<string> = []
        const onProgress = () => {
          throw new Error("no such luck")
        }
        const asked = [
          yield* Effect.fork(pulls.pull({ ...request("a"), onProgress }, work)),
          yield* Effect.fork(pulls.pull(request("a", told), work))
        ]
        yield* TestClock.adjust("6 seconds")
        expect(yield* Effect.forEach(asked, Fiber.join)).toStrictEqual(["sha256:1", "sha256:1"])
        expect(told.length).toBeGreaterThan(0)
      })
    ))

  it("report a failure to all who wait, and start anew for the next caller", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const failing = () => Effect.zipRight(Effect.sleep("1 second"), imageProblem("ImageNotFound", "no such tag"))
        const asked = yield* Effect.forEach([1, 2], () => Effect.fork(Effect.either(pulls.pull(request("a"), failing))))
        yield* TestClock.adjust("2 seconds")
        const said = yield* Effect.forEach(asked, Fiber.join)
        for (const one of said) expect(Either.isLeft(one) && one.left.message.includes("no such tag")).toBe(true)
        expect(yield* pulls.pull(request("a"), () => Effect.succeed("sha256:1"))).toBe("sha256:1")
      })
    ))

  it("stop at once when the last waiting caller has left, and not before", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const { state, work } = hanging()
        const [first, second] = [
          yield* Effect.fork(pulls.pull(request("a"), work)),
          yield* Effect.fork(pulls.pull(request("a"), work))
        ]
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(first)
        expect(state).toStrictEqual({ begun: 1, ended: 0 })
        yield* Fiber.interrupt(second)
        yield* TestClock.adjust("1 second")
        expect(state).toStrictEqual({ begun: 1, ended: 1 })
        // Its place is free, and so is its name.
        expect(yield* pulls.pull(request("a"), () => Effect.succeed("sha256:2"))).toBe("sha256:2")
      })
    ))

  it("stop with the scope, including those waiting for a turn", async () => {
    const { state, work } = hanging()
    await Effect.runPromise(
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const pulls = yield* Scope.extend(makePulls(), scope)
        const asked = yield* Effect.forEach([1, 2, 3, 4, 5, 6], (key) =>
          Effect.fork(pulls.pull(request(`${key}`), work))
        )
        yield* TestClock.adjust("1 second")
        expect(state.begun).toBe(2)
        yield* Scope.close(scope, Exit.void)
        for (const fiber of asked) expect(Exit.isInterrupted(yield* Fiber.await(fiber))).toBe(true)
        expect(state.ended).toBe(2)
      }).pipe(Effect.provide(TestContext.TestContext))
    )
  })

  it("end at their time limit, which doesn't include the time in the queue", () =>
    withPulls(
      (pulls) =>
        Effect.gen(function* () {
          const { state, work } = hanging()
          const asked = yield* Effect.forEach([1, 2, 3], (key) =>
            Effect.fork(Effect.either(pulls.pull(request(`${key}`), work)))
          )
          yield* TestClock.adjust("50 seconds")
          expect(state.begun).toBe(2)
          yield* TestClock.adjust("20 seconds")
          expect(state).toStrictEqual({ begun: 3, ended: 2 })
          yield* TestClock.adjust("1 minute")
          for (const one of yield* Effect.forEach(asked, Fiber.join)) {
            expect(Either.isLeft(one) && /within 1 minutes/.test(one.left.message)).toBe(true)
          }
        }),
      "1 minute"
    ))

  it("block nobody else if those of an organization or registry hang", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const { work } = hanging()
        yield* Effect.forEach([1, 2, 3, 4], (key) => Effect.fork(pulls.pull(request(`${key}`), work)))
        yield* TestClock.adjust("1 second")
        const ok = () => Effect.succeed("sha256:1")
        expect(yield* pulls.pull(request("b", [], "acme", "other.example.com"), ok)).toBe("sha256:1")
        expect(yield* pulls.pull(request("c", [], "other"), ok)).toBe("sha256:1")
      })
    ))

  it("report that they wait, their progress, and that no data arrives", () =>
    withPulls((pulls) =>
      Effect.gen(function* () {
        const { work } = hanging()
        const blocking = yield* Effect.forEach([1, 2], (key) => Effect.fork(pulls.pull(request(`${key}`), work)))
        const told: Array<string> = []
        const asked = yield* Effect.fork(
          pulls.pull(request("a", told), (tell) =>
            Effect.gen(function* () {
              tell({ step: "pulling", bytes: 34_100_000, totalBytes: 180_000_000 })
              yield* Effect.sleep("2500 millis")
              tell({ step: "unpacking", bytes: 180_000_000, totalBytes: 180_000_000 })
              yield* Effect.sleep("2 seconds")
              return "sha256:1"
            })
          )
        )
        yield* TestClock.adjust("3 seconds")
        yield* Effect.forEach(blocking, Fiber.interrupt)
        for (let second = 0; second < 10; second++) yield* TestClock.adjust("1 second")
        expect(yield* Fiber.join(asked)).toBe("sha256:1")
        expect(told.map((each) => each.replace(/, [\d.]+ [kMG]B\/s/, ", at a rate"))).toStrictEqual([
          "Waiting for other pulls to finish",
          "Pulling the image",
          "Pulling the image: 34.1 MB of 180 MB, at a rate",
          "Unpacking the image (180 MB)"
        ])
      })
    ))
})

describe("the text of a pull", () => {
  it("has its rate since the last one, and how long no data has arrived", () => {
    let now = 0
    const text = makePullText(() => now)
    now = 2_000
    expect(text({ step: "pulling", bytes: 5_000_000, totalBytes: 20_000_000 })).toBe(
      "Pulling the image: 5.0 MB of 20.0 MB, 2.5 MB/s"
    )
    now = 4_000
    expect(text({ step: "pulling", bytes: 5_000_000, totalBytes: 20_000_000 })).toBe(
      "Pulling the image: 5.0 MB of 20.0 MB"
    )
    now = 27_000
    expect(text({ step: "pulling", bytes: 5_000_000, totalBytes: 20_000_000 })).toBe(
      "Pulling the image: 5.0 MB of 20.0 MB, no data for 20 s"
    )
    expect(text({ step: "pulling", bytes: 0, blobs: 3 })).toBe("Pulling the image: 3 blobs so far")
  })

  it("writes sizes as engines do", () => {
    expect([0, 999, 1000, 34_120_000, 180_000_000, 8_600_000_000].map(sizeText)).toStrictEqual([
      "0 B",
      "999 B",
      "1.0 kB",
      "34.1 MB",
      "180 MB",
      "8.6 GB"
    ])
  })
})
