import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { cpuMillis } from "../../../../../config-schema/test/cpuClock.ts"
import { firstMismatch, matchesPattern } from "./claims.ts"

/** The pattern's meaning, by brute force. */
const oracle = (pattern: string, text: string): boolean => {
  const [head, ...tail] = pattern
  if (head === undefined) return text === ""
  if (head !== "*") return text.startsWith(head) && oracle(tail.join(""), text.slice(1))
  return Array.from({ length: text.length + 1 }, (_, at) => at).some((at) => oracle(tail.join(""), text.slice(at)))
}

const few = (letters: string, maxLength: number) =>
  fc.array(fc.constantFrom(...letters), { maxLength }).map((generated) => generated.join(""))

describe("matchesPattern", () => {
  it("matches as the naive reading does", () => {
    fc.assert(
      fc.property(few("ab*", 7), few("ab", 10), (pattern, text) => {
        expect(matchesPattern(pattern, text)).toBe(oracle(pattern, text))
      }),
      { numRuns: 3000 }
    )
  })

  it("takes everything but the star literally", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const pattern = text.replaceAll("*", "")
        expect(matchesPattern(pattern, pattern)).toBe(true)
        expect(matchesPattern(`*${pattern}*`, `x${pattern}y`)).toBe(true)
        expect(matchesPattern(pattern, `${pattern}x`)).toBe(false)
      })
    )
    expect(matchesPattern("repo:acme/.*", "repo:acme/shop")).toBe(false)
    expect(matchesPattern("[a-z]+", "abc")).toBe(false)
    expect(matchesPattern("ab*ba", "aba")).toBe(false)
  })

  it("is quick with patterns that make others slow", () => {
    for (const pattern of [`${"*a".repeat(249)}*b`, `*${"a".repeat(200)}b*`]) {
      expect(cpuMillis(() => expect(matchesPattern(pattern, "a".repeat(16_000))).toBe(false))).toBeLessThan(500)
    }
  })
})

describe("firstMismatch", () => {
  const claims = {
    sub: "repo:acme/shop:ref:refs/heads/main",
    run: 7,
    protected: true,
    groups: ["a", "ops"],
    nested: { a: 1 }
  }

  it("requires all claims, for texts, numbers, booleans, and any item of an array", () => {
    const wanted = { sub: "repo:acme/shop:*", run: "7", protected: "true", groups: "op*" }
    expect(firstMismatch(wanted, claims)).toBeUndefined()
    expect(firstMismatch({ ...wanted, run: "8" }, claims)).toStrictEqual({ claim: "run", pattern: "8" })
  })

  it("finds no claim that isn't the token's own", () => {
    for (const claim of ["constructor", "toString", "__proto__", "none", "nested"]) {
      expect(firstMismatch({ [claim]: "*" }, claims)).toStrictEqual({ claim, pattern: "*" })
    }
  })
})
