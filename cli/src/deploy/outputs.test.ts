import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { githubOutput } from "./outputs.ts"

/** Reads the file as GitHub's runner does. */
const readBack = (text: string): Readonly<Record<string, string>> => {
  const found: Record<string, string> = {}
  const lines = text.split("\n")
  for (let at = 0; at < lines.length; ) {
    const [, name, end] = /^(.*?)<<(.*)$/.exec(lines[at] ?? "") ?? []
    if (name === undefined || end === undefined) break
    const last = lines.indexOf(end, at + 1)
    found[name] = lines.slice(at + 1, last).join("\n")
    at = last + 1
  }
  return found
}

describe("githubOutput", () => {
  it("preserves every value, whatever it contains", () => {
    const value = fc
      .array(fc.oneof(fc.string(), fc.constantFrom("\n", "url<<EOF", "EOF", "maxcloud_", "<<")))
      .map((parts) => parts.join("\n"))
    fc.assert(
      fc.property(fc.dictionary(fc.stringMatching(/^[a-z_][a-z0-9_-]{0,9}$/), value), (outputs) => {
        expect(readBack(githubOutput(outputs))).toStrictEqual({ ...outputs })
      })
    )
  })

  it("leaves out a name that would be misread", () => {
    expect(githubOutput({ "a\nb": "x", "a<<b": "y", "": "z" })).toBe("")
  })
})
