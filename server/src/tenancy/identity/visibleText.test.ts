import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { visibleText } from "./visibleText.ts"

describe("a name that somebody else has given", () => {
  it("is shown without characters that hide or reorder the text around it", () => {
    const shown = [
      ["maxcloud on laptop", "maxcloud on laptop"],
      ["maxcloud on \u202Epotpal\u202C", "maxcloud on potpal"],
      ["\u2066a\u2069 \u200Fb\u061C", "a b"],
      ["a\r\nb\u0000\u001B[31mc", "ab[31mc"],
      ["a\u2028b\u2029c\uFEFFd\u200Be", "abcde"],
      ["\u202E\u200B", "?"],
      ["Zoë 東京 🚀", "Zoë 東京 🚀"]
    ] as const
    for (const [given, wanted] of shown) expect(visibleText(given)).toBe(wanted)
  })

  it("contains none of these for any input, is never empty, and stays the same when shown again", () => {
    const odd = fc.constantFrom(
      "\u202A",
      "\u202E",
      "\u2066",
      "\u2069",
      "\u200E",
      "\u061C",
      "\u0007",
      "\u009B",
      "\u2028",
      " ",
      "a"
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(odd, fc.string({ unit: "grapheme" }))), (parts) => {
        const shown = visibleText(parts.join(""))
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(shown).not.toHaveLength(0)
        expect(visibleText(shown)).toBe(shown)
      }),
      { numRuns: 1_000 }
    )
  })
})
