import { describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { makeBeforeTransaction, withPostponed } from "./beforeTransaction.ts"

describe("work before a transaction", () => {
  it.effect("runs once, outside, and the transaction runs again with its outcome", () =>
    Effect.gen(function* () {
      const before = makeBeforeTransaction<string, string>()
      const order: Array<string> = []
      const note = (text: string) => Effect.sync(() => void order.push(text))
      const attempt = note("begin").pipe(
        Effect.zipRight(before("wrap", Effect.as(note("wrap"), "wrapped"))),
        Effect.zipLeft(note("commit"))
      )
      expect(yield* withPostponed(attempt)).toBe("wrapped")
      expect(order).toStrictEqual(["begin", "wrap", "begin", "commit"])
    })
  )

  it.effect("fails the transaction once with its own error", () =>
    Effect.gen(function* () {
      const before = makeBeforeTransaction<string, string>()
      let times = 0
      const attempt = before(
        "wrap",
        Effect.suspend(() => {
          times++
          return Effect.fail("away")
        })
      )
      expect(yield* Effect.either(withPostponed(attempt))).toStrictEqual(Either.left("away"))
      expect(times).toBe(1)
    })
  )

  it.effect("ends though its key is another one in each repetition", () =>
    Effect.gen(function* () {
      const before = makeBeforeTransaction<number, never>()
      let made = 0
      const attempt = Effect.suspend(() => {
        const owner = ++made
        return before(`key of ${owner}`, Effect.succeed(owner))
      })
      expect(yield* withPostponed(attempt)).toBe(4)
    })
  )
})
