import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Exit, Scope } from "effect"
import { makeOpenStreams } from "./OpenStreams.ts"

const limits = { perKey: 2, perAddress: 3 }
const organizationOf = (nth: number) => OrganizationId.make(`org_${String(nth).padStart(32, "0")}`)
const who = (key: string | undefined, address: string, organization: number, quota: number | null = 4) => ({
  key,
  address,
  organization: organizationOf(organization),
  quota
})

describe("open streams", () => {
  it.scoped.each([
    ["key", 2, (n: number) => who("k", `a${n}`, n)],
    ["address", 3, (n: number) => who(`k${n}`, "a", n)],
    ["organization", 4, (n: number) => who(`k${n}`, `a${n}`, 0)]
  ] as const)("are limited for each %s", ([, limit, of]) =>
    Effect.gen(function* () {
      const { take } = makeOpenStreams(limits)
      for (let n = 0; n < limit; n++) yield* take(of(n))
      const refused = yield* Effect.flip(take(of(limit)))
      expect(refused._tag).toBe("TooManyRequests")
      expect(refused.limit?.quota).toBe(limit)
      yield* take(who("other", "other", 99))
    })
  )

  it.effect("release their place, and a refused one takes none", () =>
    Effect.gen(function* () {
      const streams = makeOpenStreams(limits)
      for (let round = 0; round < 20; round++) {
        const scope = yield* Scope.make()
        yield* Scope.extend(streams.take(who("k", "a", 0)), scope)
        yield* Scope.extend(streams.take(who("k", "a", 0)), scope)
        yield* Effect.flip(Scope.extend(streams.take(who("k", "b", 1)), scope))
        yield* Scope.close(scope, Exit.void)
        expect(streams.open()).toBe(0)
      }
    })
  )

  it.scoped("count against a quota that was set, lowered or raised while they were open", () =>
    Effect.gen(function* () {
      const { of, take } = makeOpenStreams(limits)
      for (let n = 0; n < 5; n++) yield* take(who(`k${n}`, `a${n}`, 0, null))
      expect(of(organizationOf(0))).toBe(5)
      expect(of(organizationOf(1))).toBe(0)
      const refused = yield* Effect.flip(take(who("k", "a", 0, 3)))
      expect(refused.limit?.quota).toBe(3)
      yield* take(who("k", "a", 0, 6))
      yield* Effect.flip(take(who("k6", "a6", 0, 6)))
      yield* Effect.flip(take(who("k7", "a7", 1, 0)))
    })
  )
})
