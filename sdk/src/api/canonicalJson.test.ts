import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { canonicalJson } from "./canonicalJson.ts"

const shuffled = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(shuffled)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, member]) => [key, shuffled(member)] as const)
      .reverse()
  )
}

describe("canonical JSON", () => {
  it("says what JSON.stringify says", () =>
    fc.assert(
      fc.property(fc.object({ withDate: true }), (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      })
    ))

  it("is the same whatever the order of the keys", () =>
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(shuffled(value))).toBe(canonicalJson(value))
      })
    ))

  it("sorts keys as texts, those that are numbers too (RFC 8785, 3.2.3)", () => {
    expect(canonicalJson({ b: 1, 9: 2, 10: 3, a: { d: [null, 1], c: "x" } })).toBe(
      '{"10":3,"9":2,"a":{"c":"x","d":[null,1]},"b":1}'
    )
  })

  it("leaves out what JSON has no word for, and has null for it in lists", () => {
    expect(canonicalJson({ a: undefined, b: [undefined, 1], c: () => 1 })).toBe('{"b":[null,1]}')
    expect(canonicalJson(undefined)).toBe("null")
  })
})
