import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, LogLevel, Ref, TestClock, TestContext } from "effect"
import * as fc from "fast-check"
import { monotonicMillis } from "../node/monotonic.ts"
import { countedSoFar } from "../telemetry/processMetrics.ts"
import { keepLease, type LeaseEnd, whileHeld } from "./heldLease.ts"

const leaseMs = 30_000
const leasesLost = (work: string) => Effect.promise(() => countedSoFar("maxcloud_leases_lost_total", { work }))
const secondly = (seconds: number) => Effect.repeatN(TestClock.adjust("1 second"), seconds - 1)

/** A lease whose renewals succeed, fail or hang as `renew` says, and work that reports when it stops. */
const held = (name: string, renew: Effect.Effect<boolean, string>) =>
  Effect.gen(function* () {
    const began = yield* monotonicMillis
    const stopped = yield* Deferred.make<number>()
    const work = Effect.onInterrupt(Effect.never, () =>
      Effect.flatMap(monotonicMillis, (at) => Deferred.succeed(stopped, at - began))
    )
    const fiber = yield* Effect.fork(
      whileHeld(
        { name, leaseMs, since: began, renew, holder: undefined },
        work,
        (end): Effect.Effect<LeaseEnd> => Effect.succeed(end)
      )
    )
    return {
      end: Fiber.join(fiber),
      stopped: Deferred.await(stopped),
      isRunning: Deferred.isDone(stopped).pipe(Effect.map((done) => !done))
    }
  })

describe("work under a lease", () => {
  it.effect(
    "ends with its own result, or is interrupted with the lease, also for a caller that can't be interrupted",
    () =>
      Effect.gen(function* () {
        const lease = { name: "test: handler", leaseMs, since: 0, renew: Effect.succeed(true), holder: undefined }
        const tell = (end: LeaseEnd): Effect.Effect<LeaseEnd> => Effect.succeed(end)
        expect(yield* Effect.uninterruptible(whileHeld(lease, Effect.succeed("done"), tell))).toBe("done")
        const taken = { ...lease, renew: Effect.succeed(false) }
        const fiber = yield* Effect.fork(Effect.uninterruptible(whileHeld(taken, Effect.never, tell)))
        yield* secondly(leaseMs / 1000)
        expect(yield* Fiber.join(fiber)).toBe("taken")
      })
  )

  it.effect("goes on through failed and hanging renewals, as long as one succeeds in time", () =>
    Effect.gen(function* () {
      const tries = yield* Ref.make(0)
      // The database is away for 8 seconds of every 30: first it refuses, and then it hangs.
      const renew = Effect.gen(function* () {
        yield* Ref.update(tries, (before) => before + 1)
        const at = ((yield* monotonicMillis) / 1000) % 30
        if (at > 9 && at < 14) return yield* Effect.fail("connection refused")
        return at >= 14 && at < 17 ? yield* Effect.never : true
      })
      const { isRunning } = yield* held("test: away", renew)
      yield* secondly(300)
      expect(yield* isRunning).toBe(true)
      expect(yield* Ref.get(tries)).toBeGreaterThan(20)
      expect(yield* leasesLost("test: away")).toBe(0)
    })
  )

  it.effect.each<[string, Effect.Effect<boolean, string>]>([
    ["fails", Effect.fail("connection refused")],
    ["hangs", Effect.never],
    ["breaks", Effect.die(new Error("a thrown decode error"))]
  ])("is interrupted before its lease ends if every renewal %s", ([how, renew]) =>
    Effect.gen(function* () {
      const { end, stopped } = yield* held(`test: ${how}`, renew)
      yield* secondly(leaseMs / 1000)
      const at = yield* stopped
      expect(at).toBeGreaterThan(leaseMs / 2)
      expect(at).toBeLessThan(leaseMs)
      expect(yield* end).toBe("expiring")
      expect(yield* leasesLost(`test: ${how}`)).toBe(1)
    })
  )

  it.effect("is interrupted at once if another server has the lease", () =>
    Effect.gen(function* () {
      const { end, stopped } = yield* held("test: taken", Effect.succeed(false))
      yield* secondly(11)
      expect(yield* stopped).toBe(10_000)
      expect(yield* end).toBe("taken")
    })
  )

  it.effect("never runs when the database has ended the lease, whatever fails for however long", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.array(fc.constantFrom("ok", "fails", "hangs", "slow"), { maxLength: 12 }), (fates) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const began = yield* monotonicMillis
              // The database's view: it counts from the moment when it executes the renewal.
              const until = yield* Ref.make(began + leaseMs)
              let n = 0
              const renew = Effect.gen(function* () {
                const fate = fates[n++] ?? "fails"
                if (fate === "fails") return yield* Effect.fail(fate)
                if (fate === "hangs") return yield* Effect.never
                const now = yield* monotonicMillis
                if (now > (yield* Ref.get(until))) return false
                yield* Ref.set(until, now + leaseMs)
                // Executed, and its answer comes late.
                if (fate === "slow") yield* Effect.sleep("3 seconds")
                return true
              })
              const fiber = yield* Effect.fork(
                keepLease({ name: "test: any", leaseMs, since: began, renew, holder: undefined })
              )
              while (fiber.unsafePoll() === null) {
                yield* TestClock.adjust("1 second")
                expect(yield* monotonicMillis).toBeLessThanOrEqual(yield* Ref.get(until))
              }
            }).pipe(Logger.withMinimumLogLevel(LogLevel.None), Effect.provide(TestContext.TestContext))
          )
        ),
        { numRuns: 10 }
      )
    )
  )
})
