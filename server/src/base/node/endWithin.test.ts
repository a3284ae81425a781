import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scope, TestClock, TestContext } from "effect"
import { endWithin } from "./endWithin.ts"

/** Closes a scope with this finalizer. Is it closed after two seconds? */
const closes = (finalizer: Effect.Effect<unknown>) =>
  Effect.runPromise(
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      yield* Scope.addFinalizer(scope, finalizer)
      const closing = yield* Effect.forkDaemon(Effect.uninterruptible(Scope.close(scope, Exit.void)))
      yield* TestClock.adjust("2 seconds")
      return (yield* Fiber.poll(closing))._tag === "Some"
    }).pipe(Effect.provide(TestContext.TestContext))
  )

describe("a finalizer", () => {
  it("never stops waiting with a plain timeout: this is why the helper exists", async () => {
    expect(await closes(Effect.timeoutOption(Effect.never, "1 second"))).toBe(false)
  })

  it("stops waiting for a hanging effect, even if it can't be interrupted", async () => {
    expect(await closes(endWithin("1 second")(Effect.never))).toBe(true)
    expect(await closes(endWithin("1 second")(Effect.uninterruptible(Effect.never)))).toBe(true)
    expect(await closes(endWithin("1 second")(Effect.promise(() => new Promise(() => {}))))).toBe(true)
    expect(await closes(endWithin("3 seconds")(Effect.never))).toBe(false)
  })

  it("ends as soon as its work has", async () => {
    let done = false
    expect(
      await closes(
        endWithin("1 hour")(
          Effect.sync(() => {
            done = true
          })
        )
      )
    ).toBe(true)
    expect(done).toBe(true)
  })
})
