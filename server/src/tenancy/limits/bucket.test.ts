import { describe, expect, it } from "@effect/vitest"
import { TooManyRequests } from "@maxcloud/sdk/api"
import * as fc from "fast-check"
import { type Bucket, takeFrom, tokensAt } from "../../../test/limits/bucketModel.ts"
import { rateLimitHeaders, refusalHeaders } from "./headers.ts"
import type { RateLimit } from "./RateLimits.ts"

const limits = fc.record({
  name: fc.constant("test"),
  quota: fc.integer({ min: 1, max: 100 }),
  windowSeconds: fc.integer({ min: 1, max: 3600 })
})
/** Pauses between requests, in milliseconds; a clock may go back. */
const pauses = fc.array(fc.integer({ min: -500, max: 20_000 }), { maxLength: 200 })

const run = (limit: RateLimit, waits: ReadonlyArray<number>) => {
  let bucket: Bucket | undefined
  let now = 1_000_000
  return waits.map((ms) => {
    now += ms
    const result = takeFrom(limit, bucket, now)
    bucket = result.bucket
    return { at: result.bucket.at, now, ...result }
  })
}

describe("a token bucket", () => {
  it("admits no more in any time than its content plus the refill in that time", () => {
    fc.assert(
      fc.property(limits, pauses, (limit, waits) => {
        const passed = run(limit, waits).filter((each) => each.taken)
        passed.forEach((first, index) => {
          passed.slice(index).forEach((last, more) => {
            const back = ((last.at - first.at) / 1000) * (limit.quota / limit.windowSeconds)
            expect(more + 1).toBeLessThanOrEqual(limit.quota + back + 1e-6)
          })
        })
      })
    )
  })

  it("admits everybody who waits as long as told, and refuses nobody who keeps to the rate", () => {
    fc.assert(
      fc.property(limits, pauses, (limit, waits) => {
        for (const { bucket, now, taken, waitSeconds } of run(limit, waits)) {
          const back = Math.max(now, bucket.at)
          if (!taken) expect(takeFrom(limit, bucket, back + waitSeconds * 1000).taken).toBe(true)
        }
        const even = Array.from({ length: 300 }, () => Math.ceil((limit.windowSeconds * 1000) / limit.quota))
        expect(run(limit, even).every((each) => each.taken)).toBe(true)
      })
    )
  })

  it("is full after a window, and never more than full", () => {
    fc.assert(
      fc.property(limits, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(1e9), (limit, part, later) => {
        const bucket = { tokens: limit.quota * part, at: 0 }
        expect(Math.abs(tokensAt(limit, bucket, limit.windowSeconds * 1000) - limit.quota)).toBeLessThanOrEqual(1e-6)
        expect(tokensAt(limit, bucket, later)).toBeLessThanOrEqual(limit.quota)
        expect(tokensAt(limit, bucket, -later)).toBeGreaterThanOrEqual(0)
      })
    )
  })
})

describe("the header fields", () => {
  const limit = { name: "credential", quota: 1200, windowSeconds: 60 }

  it("contain the policy and the remaining requests", () => {
    expect(rateLimitHeaders({ limit, remaining: 1199, resetSeconds: 0.05 })).toStrictEqual({
      "ratelimit-policy": '"credential";q=1200;w=60',
      ratelimit: '"credential";r=1199;t=1'
    })
  })

  it("say in a refusal when to retry", () => {
    const refusal = new TooManyRequests({ detail: "too many", retryAfterSeconds: 3, limit })
    expect(refusalHeaders(refusal)).toStrictEqual({
      "retry-after": "3",
      "ratelimit-policy": '"credential";q=1200;w=60',
      ratelimit: '"credential";r=0;t=3'
    })
  })
})
