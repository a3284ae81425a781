import { describe, expect, it } from "vitest"
import { printable } from "./format.ts"
import { elapsed, hasColours, table } from "./terminal.ts"

describe("hasColours", () => {
  it("follows NO_COLOR, then FORCE_COLOR, then the stream and TERM", () => {
    expect(hasColours(true, {})).toBe(true)
    expect(hasColours(false, {})).toBe(false)
    expect(hasColours(true, { NO_COLOR: "1" })).toBe(false)
    expect(hasColours(true, { NO_COLOR: "" })).toBe(true)
    expect(hasColours(false, { FORCE_COLOR: "1" })).toBe(true)
    expect(hasColours(true, { FORCE_COLOR: "0" })).toBe(false)
    expect(hasColours(true, { NO_COLOR: "1", FORCE_COLOR: "1" })).toBe(false)
    expect(hasColours(true, { TERM: "dumb" })).toBe(false)
  })
})

describe("table", () => {
  it("aligns columns by what is seen, without colours", () => {
    expect(
      table([
        ["a", "\u001b[31mred\u001b[39m", "x"],
        ["long", "r", "y"]
      ])
    ).toEqual(["a     \u001b[31mred\u001b[39m  x", "long  r    y"])
  })
})

describe("table of what others have named", () => {
  it("shows what would hide, reorder or break its text", () => {
    expect(table([["a\u202eb\u2028", "\u{e0041}x\nalice  succeeded", "שלום"]])).toEqual([
      "a\\u{202e}b\\u{2028}  \\u{e0041}x\\u{a}alice  succeeded  שלום"
    ])
  })
})

describe("elapsed", () => {
  it("shows tenths, then seconds, minutes and hours", () => {
    expect([340, 9_940, 59_000, 90_000, 3_700_000].map(elapsed)).toEqual(["0.3s", "9.9s", "59s", "1m30s", "1h1m"])
  })
})

describe("printable", () => {
  it("keeps text, tabs and colours, and drops what could drive the terminal", () => {
    expect(printable("a\tb \u001b[1;31mred\u001b[0m")).toBe("a\tb \u001b[1;31mred\u001b[0m")
    expect(printable("\u001b[2Jgone\u001b[10A")).toBe("gone")
    expect(printable("\u001b]0;title\u0007x\rover\u0000")).toBe("xover")
  })
})
