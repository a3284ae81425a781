import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { editDistance } from "./nearest.ts"

describe("the distance of two words", () => {
  it("counts a swap of neighbours as one edit", () => {
    expect(editDistance("lsit", "list")).toBe(1)
    expect(editDistance("", "abc")).toBe(3)
    expect(editDistance("kitten", "sitting")).toBe(3)
  })

  it("is the same in both directions, and none between a word and itself alone", () =>
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (one, other) => {
        expect(editDistance(one, other)).toBe(editDistance(other, one))
        expect(editDistance(one, other) === 0).toBe(one === other)
      })
    ))
})
