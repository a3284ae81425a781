import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { cpuMillis } from "../../config-schema/test/cpuClock.ts"
import { expand, referredIn, wordOf } from "./expand.ts"

/** Kubernetes' own loop (third_party/forked/golang/expansion/expand.go), step by step. */
const kubernetes = (input: string, values: ReadonlyMap<string, string>): string => {
  let out = ""
  for (let at = 0; at < input.length; at++) {
    if (input[at] !== "$" || at + 1 === input.length) {
      out += input[at]
      continue
    }
    const next = input[at + 1]
    if (next === "$") {
      out += "$"
      at += 1
    } else if (next === "(") {
      const end = input.indexOf(")", at + 2)
      if (end === -1) {
        out += "$("
        at += 1
      } else {
        const name = input.slice(at + 2, end)
        out += values.get(name) ?? `$(${name})`
        at = end
      }
    } else {
      out += `$${next}`
      at += 1
    }
  }
  return out
}

const text = fc
  .array(fc.constantFrom("$", "(", ")", "A", "SECRET", "$(A)", "$(SECRET)", "$$", " ", "\n", "x"))
  .map((each) => each.join(""))
const values = new Map([
  ["A", "$(SECRET)$$"],
  ["SECRET", "planted"]
])

describe("expansion of $(NAME)", () => {
  it("matches Kubernetes' result", () => {
    fc.assert(
      fc.property(text, (word) => {
        expect(expand(word, (name) => values.get(name))).toBe(kubernetes(word, values))
      }),
      { numRuns: 10_000 }
    )
  })

  it("searches the end of a name only once, however many names start", () => {
    const word = "$(".repeat(16_384)
    const twenty = () => {
      for (let nth = 0; nth < 20; nth++) expect(expand(word, () => "")).toBe(word)
    }
    // Searching to the end from each of them took 300 ms for one text.
    expect(cpuMillis(twenty)).toBeLessThan(1_000)
  })

  it("never puts a secret into a word, on either runtime, and leaves everything else unchanged", () => {
    const secrets = new Set(["SECRET"])
    fc.assert(
      fc.property(text, (word) => {
        const written = wordOf(word, secrets)
        expect(kubernetes(written, values)).not.toContain("planted")
        expect(kubernetes(written, values)).toBe(
          kubernetes(word, new Map([...values].filter(([name]) => name === "A")))
        )
        expect(referredIn(written, secrets)).toEqual([])
        if (referredIn(word, secrets).length === 0) expect(written).toBe(word)
      }),
      { numRuns: 10_000 }
    )
  })
})
