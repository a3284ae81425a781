import { describe, expect, it, vi } from "@effect/vitest"
import fc from "fast-check"
import { printable } from "./format.ts"
import { comes, elapsed, hasColours, makeTerminal, printableLines, table, until } from "./terminal.ts"

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
  it("aligns columns by visible width, without colors", () => {
    expect(
      table([
        ["a", "\u001b[31mred\u001b[39m", "x"],
        ["long", "r", "y"]
      ])
    ).toEqual(["a     \u001b[31mred\u001b[39m  x", "long  r    y"])
  })
})

describe("a table with names that other people chose", () => {
  it("escapes characters that would hide, reorder or break its text", () => {
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
  it("keeps text, tabs and colors, and drops anything that could control the terminal", () => {
    expect(printable("a\tb \u001b[1;31mred\u001b[0m")).toBe("a\tb \u001b[1;31mred\u001b[0m")
    expect(printable("\u001b[2Jgone\u001b[10A")).toBe("gone")
    expect(printable("\u001b]0;title\u0007x\rover\u0000")).toBe("xover")
  })
})

describe("lines with names that other people chose", () => {
  // Our lines contain them too: colors are the only escapes left.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const colour = /\u001b\[[0-9;]*m/g
  const bidi = ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2028", "\u2066", "\u2069"]
  const hostile = fc
    .array(
      fc.oneof(fc.constantFrom(...bidi, "\u001b[2J", "\u001b]0;t\u0007", "\u009b", "\r", "\u0000", "a\n"), fc.string())
    )
    .map((each) => each.join(""))

  it("control no terminal and reorder nothing", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = printableLines(text)
        expect(line.replace(colour, "")).not.toMatch(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
          /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
        )
      }),
      { numRuns: 1_000 }
    )
  })

  it("are escaped on stderr, and unchanged for programs on stdout", () => {
    const written: Array<string> = []
    const note = (text: unknown) => written.push(String(text)) > 0
    const [out, err] = [process.stdout, process.stderr].map((value) =>
      vi.spyOn(value, "write").mockImplementation(note)
    )
    const { isTTY } = process.stdout
    try {
      const terminal = makeTerminal(false, {})
      process.stdout.isTTY = false
      terminal.print("a\u202eb")
      process.stdout.isTTY = true
      terminal.print("a\u202eb\nc")
      terminal.say("a\u202eb \u001b[31mred\u001b[39m")
    } finally {
      process.stdout.isTTY = isTTY
      out?.mockRestore()
      err?.mockRestore()
    }
    expect(written).toEqual(["a\u202eb\n", "ab\nc\n", "ab \u001b[31mred\u001b[39m\n"])
  })
})

describe("a future time", () => {
  const now = Date.parse("2026-01-01T00:00:00Z")
  it.each([
    ["2026-01-04T00:00:00Z", "in 3d", "in 3d"],
    ["2026-01-01T00:00:59Z", "in 59s", "in 59s"],
    ["2026-01-01T00:00:00Z", "now", "expired"],
    ["2025-12-31T00:00:00Z", "now", "expired"],
    [null, "never", "never"]
  ])("%s is %s in a sentence, and %s in a table of what expires", (instant, sentence, cell) => {
    expect(comes(instant, now)).toBe(sentence)
    expect(until(instant, now)).toBe(cell)
  })
})
