import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { retryAfterMs, retryAfterMsOf } from "./retryAfter.ts"

const hourMs = 3_600_000

describe("Retry-After", () => {
  it("is read in seconds and as a date", () => {
    const date = "Sun, 29 Nov 2026 13:00:00 GMT"
    expect(retryAfterMs({ "retry-after": "30" }, hourMs)).toBe(30_000)
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 13:02:00 GMT", date }, hourMs)).toBe(120_000)
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 12:00:00 GMT", date }, hourMs)).toBe(0)
    expect(retryAfterMs({ "retry-after": "86400" }, hourMs)).toBe(hourMs)
    expect(retryAfterMs({}, hourMs)).toBeUndefined()
    expect(retryAfterMsOf(new Headers({ "retry-after": "7" }), hourMs)).toBe(7000)
    expect(retryAfterMsOf(new Headers(), hourMs)).toBeUndefined()
    // Without the response's own date, our clock may be hours off.
    expect(retryAfterMs({ "retry-after": "Sun, 29 Nov 2026 13:02:00 GMT" }, hourMs)).toBeUndefined()
  })

  it("is undefined or within the bound, whatever a server writes", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom("-5", "1e9", "Infinity", "0x10", "1.5")),
        fc.oneof(fc.string(), fc.constant("Sun, 29 Nov 2026 13:00:00 GMT")),
        (written, date) => {
          const found = retryAfterMs({ "retry-after": written, date }, hourMs)
          expect(found === undefined || (found >= 0 && found <= hourMs)).toBe(true)
        }
      ),
      { numRuns: 1000 }
    )
  })
})
