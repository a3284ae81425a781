import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Cause, Deferred, Effect, Exit, Fiber, Scope } from "effect"
import fc from "fast-check"
import type { Chain } from "./chain.ts"
import { makeGroupCommit } from "./groupCommit.ts"

const chains = ["a", "b"].map((letter) => OrganizationId.make(`org_${letter.repeat(32)}`))
const [first = chains[0] ?? OrganizationId.make(`org_${"a".repeat(32)}`)] = chains
const refused = (code: string) => new SqlError({ cause: Object.assign(new Error(code), { code }), message: code })

/** A chain in memory, whose transactions can be held. Entries below zero are refused, with all others of their transaction. */
const makeChains = Effect.gen(function* () {
  const committed = new Map<Chain, Array<number>>()
  const transactions: Array<number> = []
  const may = yield* Effect.makeLatch(true)
  let open = 0
  const scope = yield* Effect.scope
  const append = makeGroupCommit<number>(
    (chain, entries) =>
      Effect.gen(function* () {
        open++
        yield* may.await
        yield* Effect.yieldNow()
        open--
        transactions.push(entries.length)
        if (entries.some((entry) => entry < 0)) return yield* refused("23505")
        committed.set(chain, [...(committed.get(chain) ?? []), ...entries])
      }),
    scope
  )
  return { append, committed, transactions, may, open: () => open }
})

describe("entries that share a transaction", () => {
  it("are all committed before their calls return, in order of the calls, and a refused one takes no other along", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            chain: fc.nat(1),
            entries: fc.array(fc.integer({ min: -1, max: 1_000 }), { minLength: 1, maxLength: 40 })
          }),
          { maxLength: 40 }
        ),
        (calls) =>
          Effect.runPromise(
            Effect.gen(function* () {
              const { append, committed } = yield* makeChains
              const exits = yield* Effect.forEach(
                calls,
                ({ chain, entries }) =>
                  Effect.gen(function* () {
                    const exit = yield* Effect.exit(append(chains[chain] ?? first, entries))
                    const present = committed.get(chains[chain] ?? first) ?? []
                    if (Exit.isSuccess(exit)) for (const entry of entries) expect(present).toContain(entry)
                    return exit
                  }),
                { concurrency: "unbounded" }
              )
              for (const [n, chain] of chains.entries()) {
                const good = calls.filter((call) => call.chain === n && call.entries.every((entry) => entry >= 0))
                expect(committed.get(chain) ?? []).toEqual(good.flatMap(({ entries }) => entries))
              }
              expect(exits.map(Exit.isSuccess)).toEqual(calls.map(({ entries }) => entries.every((n) => n >= 0)))
            }).pipe(Effect.scoped)
          )
      ),
      { numRuns: 200 }
    ))

  it.scoped("wait for the transaction under way, and then need one for up to 64 of them", () =>
    Effect.gen(function* () {
      const { append, may, transactions } = yield* makeChains
      yield* may.close
      const one = yield* Effect.fork(append(first, [0]))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      const calls = yield* Effect.forEach(
        Array.from({ length: 100 }, (_, n) => n + 1),
        (n) => Effect.fork(append(first, [n]))
      )
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      expect(transactions).toEqual([])
      yield* may.open
      yield* Fiber.joinAll([one, ...calls])
      expect(transactions).toEqual([1, 64, 36])
    })
  )

  it.scoped("of different chains don't wait for each other", () =>
    Effect.gen(function* () {
      const { append, may, open } = yield* makeChains
      yield* may.close
      const calls = yield* Effect.forEach(chains, (chain) => Effect.fork(append(chain, [1])))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      expect(open()).toBe(2)
      yield* may.open
      yield* Fiber.joinAll(calls)
    })
  )

  it.scoped("aren't written for a caller that has gone while it waited", () =>
    Effect.gen(function* () {
      const { append, committed, may } = yield* makeChains
      yield* may.close
      const one = yield* Effect.fork(append(first, [1]))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      const two = yield* Effect.fork(append(first, [2]))
      const three = yield* Effect.fork(append(first, [3]))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      yield* Fiber.interrupt(two)
      yield* may.open
      yield* Fiber.joinAll([one, three])
      expect(committed.get(first)).toEqual([1, 3])
    })
  )

  it.scoped("are written once, and all fail, if it isn't known whether their transaction was committed", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const may = yield* Deferred.make<void>()
      let attempts = 0
      const scope = yield* Effect.scope
      const append = makeGroupCommit<number>(
        () =>
          Effect.gen(function* () {
            attempts++
            yield* Deferred.succeed(begun, undefined)
            yield* Deferred.await(may)
            return yield* refused("08006")
          }),
        scope
      )
      const one = yield* Effect.fork(append(first, [1]))
      yield* Deferred.await(begun)
      const others = yield* Effect.forEach([2, 3], (n) => Effect.fork(append(first, [n])))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      yield* Deferred.succeed(may, undefined)
      for (const call of [one, ...others]) expect(Exit.isFailure(yield* Fiber.await(call))).toBe(true)
      expect(attempts).toBe(2)
    })
  )

  it.live("end with an interruption when the server stops, and so do later ones", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const append = makeGroupCommit<number>(() => Effect.never, scope)
      const early = yield* Effect.forEach([1, 2], (n) => Effect.fork(append(first, [n])))
      yield* Effect.repeatN(Effect.yieldNow(), 10)
      yield* Scope.close(scope, Exit.void)
      // Their fibers are interrupted before they run.
      const late = yield* Effect.forEach([3, 4], (n) => Effect.fork(append(first, [n])))
      for (const call of [...early, ...late]) {
        const exit = yield* Effect.timeout(Fiber.await(call), "5 seconds")
        expect(Exit.isFailure(exit) && Cause.isInterruptedOnly(exit.cause)).toBe(true)
      }
    })
  )
})
