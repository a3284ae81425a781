import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { amountIn, bytesQuantity, byteUnits, cpuQuantity, durationUnits, shortUnits } from "./units.ts"

describe("an amount with its unit", () => {
  it("is read in the units that are asked for, and in no others", () => {
    expect(amountIn(shortUnits, "90s")).toBe(90_000)
    expect(amountIn(shortUnits, "1.5h")).toBe(5_400_000)
    expect(amountIn(durationUnits, "2d")).toBe(172_800_000)
    expect(amountIn(byteUnits, "512Mi")).toBe(2 ** 29)
    expect(amountIn(byteUnits, "512")).toBe(512)
    for (const text of ["2d", "90", "s", "", "-1s", "1e3s", ".5s", "1.s", "1 s", "1toString"]) {
      expect(amountIn(shortUnits, text), text).toBeUndefined()
    }
  })

  it("reads every amount back that it has written", () =>
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (amount) => {
        expect(amountIn(byteUnits, bytesQuantity(amount))).toBe(amount)
        expect(amountIn({ "": 1000, m: 1 }, cpuQuantity(amount))).toBe(amount)
      })
    ))
})
