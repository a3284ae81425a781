import { describe, expect, it } from "@effect/vitest"
import { Chunk, Deferred, Effect, Fiber, Stream } from "effect"
import { CoalescingHub } from "./CoalescingHub.ts"

const subscribed = (hub: { readonly subscribers: number }, subscribers: number) =>
  Effect.repeat(Effect.yieldNow(), { until: () => hub.subscribers === subscribers })

describe("CoalescingHub", () => {
  it.effect("gives a slow subscriber the newest of each key once, and waits for none", () =>
    Effect.gen(function* () {
      const hub = new CoalescingHub<string>()
      const started = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const slow = yield* hub.stream.pipe(
        Stream.tap((value) =>
          value === "first" ? Effect.zipRight(Deferred.succeed(started, undefined), Deferred.await(go)) : Effect.void
        ),
        Stream.takeUntil((value) => value === "end"),
        Stream.runCollect,
        Effect.fork
      )
      yield* subscribed(hub, 1)
      hub.publish("x", "first")
      yield* Deferred.await(started)
      for (let n = 0; n < 1000; n++) hub.publish(`k${n % 3}`, `k${n % 3}=${n}`)
      hub.publish("end", "end")
      yield* Deferred.succeed(go, undefined)
      expect(Chunk.toReadonlyArray(yield* Fiber.join(slow))).toEqual(["first", "k0=999", "k1=997", "k2=998", "end"])
    })
  )

  it.effect("reaches every subscriber from its subscription on", () =>
    Effect.gen(function* () {
      const hub = new CoalescingHub<number>()
      hub.publish("0", 0)
      const read = () =>
        hub.stream.pipe(Stream.take(2), Stream.runCollect, Effect.map(Chunk.toReadonlyArray), Effect.fork)
      const both = [yield* read(), yield* read()]
      yield* subscribed(hub, 2)
      hub.publish("1", 1)
      hub.publish("2", 2)
      expect(yield* Effect.forEach(both, Fiber.join)).toEqual([
        [1, 2],
        [1, 2]
      ])
    })
  )
})
