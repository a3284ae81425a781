import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { makeStartLimiter } from "./StartLimiter.ts"

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe("the limiter of first starts", () => {
  it("lends the place of a start that waits for an image to others, and returns it when one is free", async () => {
    const limiter = makeStartLimiter(1)
    const started: Array<string> = []
    const first = limiter.enter(() => started.push("first"))
    const second = limiter.enter(() => started.push("second"))
    expect(started).toStrictEqual(["first"])

    const image = Effect.runSync(Deferred.make<void>())
    let isBack = false
    const pulling = Effect.runFork(
      first.away(Deferred.await(image)).pipe(
        Effect.tap(() =>
          Effect.sync(() => {
            isBack = true
          })
        )
      )
    )
    await settle()
    expect(started).toStrictEqual(["first", "second"])
    await Effect.runPromise(Deferred.succeed(image, undefined))
    await settle()
    expect(isBack).toBe(false)
    second.done()
    await Effect.runPromise(Fiber.join(pulling))
    // It now holds the only place.
    const third = limiter.enter(() => started.push("third"))
    expect(started).toStrictEqual(["first", "second"])
    first.done()
    expect(started).toStrictEqual(["first", "second", "third"])
    third.done()
    expect(limiter.waiting()).toBe(0)
  })

  it("lets urgent, finished and cancelled starts continue while they wait for their place again", async () => {
    const limiter = makeStartLimiter(1)
    const turns = ["urgent", "over", "off"].map(() => limiter.enter(() => {}))
    const fibers = turns.map((turn) => Effect.runFork(turn.away(Effect.void)))
    await settle()
    const holder = limiter.enter(() => {})
    const waiting = turns.map((turn) => Effect.runFork(turn.away(Effect.void)))
    await settle()
    turns[0]?.now()
    turns[1]?.done()
    const off = waiting[2]
    if (off !== undefined) await Effect.runPromise(Fiber.interrupt(off))
    for (const fiber of [...fibers, ...waiting.slice(0, 2)]) await Effect.runPromise(Fiber.await(fiber))
    for (const turn of turns) turn.done()
    holder.done()
    expect(limiter.waiting()).toBe(0)
    // No place was lost.
    let entered = false
    limiter.enter(() => {
      entered = true
    })
    expect(entered).toBe(true)
  })

  it("uses one place for all instances of a service", async () => {
    const limiter = makeStartLimiter(1)
    const service = limiter.enter(() => {})
    const instances = [1, 2, 3].map(() => Effect.runFork(service.away(Effect.sleep(1))))
    for (const fiber of instances) await Effect.runPromise(Fiber.join(fiber))
    service.done()
    let entered = false
    limiter.enter(() => {
      entered = true
    })
    expect(entered).toBe(true)
  })
})
