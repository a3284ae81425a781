import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { TimeText } from "./time.ts"

describe("a time in a request", () => {
  it("is a duration, or a time on a day that exists", () => {
    const isTime = Schema.is(TimeText)
    for (const time of ["10m", "24h", "2026-02-28T00:00:00Z", "2024-02-29T00:00:00Z", "0004-02-29T00:00:00Z"])
      expect(isTime(time), time).toBe(true)
    for (const day of ["2026-02-31", "2026-02-29", "2026-04-31", "2026-13-01", "2026-00-10", "2026-01-00"])
      expect(isTime(`${day}T00:00:00Z`), day).toBe(false)
  })
})
