import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { matches } from "./loadMany.ts"

describe("--filter", () => {
  it("matches a name, or a pattern in which * matches any text", () => {
    const cases = [
      ["shop", "shop", true],
      ["shop", "shops", false],
      ["shop-*", "shop-web", true],
      ["shop-*", "shop", false],
      ["*", "", true],
      ["*-web-*", "a-web-b", true],
      ["*-web-*", "a-web", false],
      ["a*a", "a", false],
      ["apps/*/api", "apps/x/y/api", true],
      ["a*b*b", "ab", false]
    ] as const
    for (const [pattern, text, expected] of cases) expect(matches(pattern, text), `${pattern} ${text}`).toBe(expected)
  })

  it("agrees with a regular expression", () => {
    const text = fc.stringMatching(/^[ab]{0,6}$/)
    const pattern = fc.stringMatching(/^[ab*]{0,6}$/)
    fc.assert(
      fc.property(pattern, text, (written, name) => {
        expect(matches(written, name)).toBe(new RegExp(`^${written.replaceAll("*", ".*")}$`).test(name))
      })
    )
  })
})
