import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Either } from "effect"
import fc from "fast-check"
import { inOrder, type Node, runInOrder } from "./order.ts"

const node = (name: string, ...needs: ReadonlyArray<string>): Node => ({ name, needs })

/** Shuffled nodes, each of which depends on some before it. */
const nodes = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 12 }).chain((rows) =>
  fc.shuffledSubarray(
    rows.map((needs, at) => node(`n${at}`, ...(at === 0 ? [] : needs.map((need) => `n${need % at}`)))),
    { minLength: rows.length }
  )
)

describe("inOrder", () => {
  it("puts each node after its dependencies", () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const ordered = Either.getOrThrow(inOrder(all)).map((each) => each.name)
        expect([...ordered].sort()).toStrictEqual(all.map((each) => each.name).sort())
        for (const { name, needs } of all) {
          for (const need of needs) expect(ordered.indexOf(need)).toBeLessThan(ordered.indexOf(name))
        }
      })
    )
  })

  it("returns the cycle, without nodes that only lead to it", () => {
    const round = inOrder([
      node("web", "shop"),
      node("shop", "billing", "nobody"),
      node("billing", "tax"),
      node("tax", "shop")
    ])
    expect(Either.flip(round).pipe(Either.getOrThrow)).toStrictEqual(["shop", "billing", "tax", "shop"])
    expect(Either.flip(inOrder([node("a", "a")])).pipe(Either.getOrThrow)).toStrictEqual(["a", "a"])
  })
})

describe("runInOrder", () => {
  it.effect("runs each node after its dependencies, and skips those that need a failed one", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const all = Either.getOrThrow(
        inOrder([node("d", "c"), node("c", "b"), node("b"), node("e"), node("f", "e", "a"), node("a")])
      )
      const outcomes = yield* runInOrder(all, 2, ({ name }) =>
        Effect.suspend(() => {
          order.push(name)
          return name === "b" ? Effect.fail("no") : Effect.succeed(name)
        })
      )
      const shown = Object.fromEntries(
        outcomes.map(([{ name }, outcome]) => [name, outcome._tag === "skipped" ? outcome.because : outcome._tag])
      )
      expect(shown).toStrictEqual({ a: "done", b: "failed", c: "b", d: "c", e: "done", f: "done" })
      expect(order.indexOf("f") > order.indexOf("e") && order.indexOf("f") > order.indexOf("a")).toBe(true)
      expect(order).toHaveLength(4)
    })
  )

  it.effect("runs independent nodes concurrently, up to the limit", () =>
    Effect.gen(function* () {
      let [now, most] = [0, 0]
      const bothRun = yield* Deferred.make<void>()
      const all = Array.from({ length: 7 }, (_, at) => node(`n${at}`))
      yield* runInOrder(all, 2, () =>
        Effect.gen(function* () {
          now += 1
          most = Math.max(most, now)
          if (now === 2) yield* Deferred.succeed(bothRun, undefined)
          yield* Deferred.await(bothRun)
          yield* Effect.yieldNow()
          now -= 1
        })
      )
      expect(most).toBe(2)
    })
  )
})
