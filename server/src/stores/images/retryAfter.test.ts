import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { makeRegistryPauses, retryAfterMs } from "./retryAfter.ts"

describe("Retry-After", () => {
  it("is read in seconds and as a date", () => {
    const date = "Sun, 29 Nov 2026 13:00:00 GMT"
    expect(retryAfterMs({ "retry-after": "30" })).toBe(30_000)
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 13:02:00 GMT", date })).toBe(120_000)
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 12:00:00 GMT", date })).toBe(0)
    expect(retryAfterMs({ "retry-after": "86400" })).toBe(3_600_000)
    expect(retryAfterMs({})).toBeUndefined()
    // Without a date of the answer, ours may be hours off.
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 13:02:00 GMT" })).toBeUndefined()
  })

  it("is undefined or within an hour, whatever a registry writes", () => {
    fc.assert(
      fc.property(fc.string(), fc.oneof(fc.string(), fc.constant("Sun, 29 Nov 2026 13:00:00 GMT")), (said, date) => {
        const found = retryAfterMs({ "retry-after": said, date })
        expect(found === undefined || (found >= 0 && found <= 3_600_000)).toBe(true)
      }),
      { numRuns: 1000 }
    )
  })

  it("pauses one registry for those who were told, and for as long as the longest said", () => {
    let now = 0
    const pauses = makeRegistryPauses(() => now)
    pauses.pause("a", 30_000)
    pauses.pause("a", 10_000)
    pauses.pause("b", undefined)
    now = 20_000
    expect(["a", "b"].map(pauses.leftMs)).toStrictEqual([10_000, 0])
    now = 31_000
    expect(pauses.leftMs("a")).toBe(0)
  })
})
