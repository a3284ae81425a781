import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { inOrder } from "./inOrder.ts"

/** Tables that reference only earlier ones, and some unknown ones; then shuffled. */
const tables = fc
  .array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 15 })
  .map((all) =>
    all.map((to, at) => ({ name: `t${at}`, needs: to.map((value) => (value < at ? `t${value}` : `other${value}`)) }))
  )
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }))

describe("the order of tables", () => {
  it("has each table once, after those it references", () => {
    fc.assert(
      fc.property(tables, (given) => {
        const names = inOrder(given).map((each) => each.name)
        expect(names.toSorted()).toStrictEqual(given.map((each) => each.name).toSorted())
        for (const { name, needs } of given) {
          for (const needed of needs) expect(names.indexOf(needed)).toBeLessThan(names.indexOf(name))
        }
      })
    )
  })

  it("accepts a table that references itself, and refuses a cycle", () => {
    expect(inOrder([{ name: "a", needs: ["a"] }]).length).toStrictEqual(1)
    const circle = [
      { name: "a", needs: ["b"] },
      { name: "b", needs: ["a"] }
    ]
    expect(() => inOrder(circle)).toThrow(/a, b reference each other/)
  })
})
