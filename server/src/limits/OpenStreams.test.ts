import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import { makeOpenStreams } from "./OpenStreams.ts"

const limits = { perKey: 2, perAddress: 3, perOrganization: 4 }
const who = (key: string | undefined, address: string, organization: string | undefined) => ({
  key,
  address,
  organization
})

describe("open streams", () => {
  it.scoped.each([
    ["key", 2, (n: number) => who("k", `a${n}`, `o${n}`)],
    ["address", 3, (n: number) => who(`k${n}`, "a", `o${n}`)],
    ["organization", 4, (n: number) => who(`k${n}`, `a${n}`, "o")]
  ] as const)("are bounded for each %s", ([, limit, of]) =>
    Effect.gen(function* () {
      const { take } = makeOpenStreams(limits)
      for (let n = 0; n < limit; n++) yield* take(of(n))
      const refused = yield* Effect.flip(take(of(limit)))
      assert.strictEqual(refused._tag, "TooManyRequests")
      assert.strictEqual(refused.limit?.quota, limit)
      yield* take(who("other", "other", "other"))
    })
  )

  it.effect("give their place back, and a refused one takes none", () =>
    Effect.gen(function* () {
      const streams = makeOpenStreams(limits)
      for (let round = 0; round < 20; round++) {
        const scope = yield* Scope.make()
        yield* Scope.extend(streams.take(who("k", "a", "o")), scope)
        yield* Scope.extend(streams.take(who("k", "a", "o")), scope)
        yield* Effect.flip(Scope.extend(streams.take(who("k", "b", "p")), scope))
        yield* Scope.close(scope, Exit.void)
        assert.strictEqual(streams.open(), 0)
      }
    })
  )
})
