import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { backoffMs, jittered } from "./backoff.ts"

const backoff = fc.record({
  baseMs: fc.integer({ min: 1, max: 10_000 }),
  maxMs: fc.integer({ min: 10_000, max: 10_000_000 })
})

describe("backoff", () => {
  it("begins with the base and doubles up to the longest wait, however many failures there are", () => {
    fc.assert(
      fc.property(backoff, fc.nat(5_000), (given, failures) => {
        expect(backoffMs(given, 0)).toBe(given.baseMs)
        expect(backoffMs(given, failures)).toBeLessThanOrEqual(given.maxMs)
        expect(backoffMs(given, failures + 1)).toBe(Math.min(given.maxMs, 2 * backoffMs(given, failures)))
      })
    )
  })

  it("varies waits by a quarter", () => {
    for (let index = 0; index < 1_000; index++) {
      expect(jittered(1_000)).toBeGreaterThanOrEqual(750)
      expect(jittered(1_000)).toBeLessThan(1_250)
    }
  })
})
