import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { overJsonBudget } from "./jsonBudget.ts"

const count = (value: unknown): number =>
  typeof value === "object" && value !== null
    ? 1 + Object.values(value).reduce((sum: number, each) => sum + count(each), 0)
    : 1
const depth = (value: unknown): number =>
  typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0
const over = (json: string, budget: { readonly values: number; readonly depth: number }) =>
  overJsonBudget(Buffer.from(json), { bytes: json.length, ...budget })

describe("overJsonBudget", () => {
  it("counts values and levels as a parser would, whatever the strings contain", () => {
    const anything = fc.jsonValue({
      maxDepth: 6,
      stringUnit: fc.constantFrom("a", '"', "\\", "{", "]", ",", ":", " ", "é")
    })
    fc.assert(
      fc.property(anything, fc.constantFrom(0, 2), (value, space) => {
        const json = JSON.stringify(value, undefined, space)
        // The parser keeps one of two equal keys.
        const exact = { values: count(value), depth: depth(value) }
        expect(over(json, exact)).toBeUndefined()
        expect(over(json, { ...exact, values: exact.values - 1 }) ?? "").toMatch(/values/)
        if (exact.depth > 0) expect(over(json, { ...exact, depth: exact.depth - 1 }) ?? "").toMatch(/levels/)
      }),
      { numRuns: 2_000 }
    )
  })

  it("stops as soon as the budget is exceeded, and at invalid JSON", () => {
    expect(over("[".repeat(1_000_000), { values: 10, depth: 8 }) ?? "").toMatch(/more than 8 levels/)
    expect(over(`[${"{},".repeat(300_000)}`, { values: 10, depth: 8 }) ?? "").toMatch(/more than 10 values/)
    for (const json of ["", "]", "}}}}", '"', '"\\', "\\", ",", "[,", '{"a'])
      expect(over(json, { values: 10, depth: 8 })).toBeUndefined()
  })
})
