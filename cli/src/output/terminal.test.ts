import { describe, expect, it, vi } from "@effect/vitest"
import fc from "fast-check"
import { printable } from "./format.ts"
import { comes, elapsed, hasColours, jsonText, makeTerminal, printableLines, table, until } from "./terminal.ts"

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
  it("keeps text and tabs, and drops anything that could control the terminal", () => {
    expect(printable("a\tb \u001b[1;31mred\u001b[0m")).toBe("a\tb red")
    expect(printable("\u001b[2Jgone\u001b[10A")).toBe("gone")
    expect(printable("\u001b]0;title\u0007x\rover\u0000")).toBe("xover")
  })
})

describe("lines with names that other people chose", () => {
  const bidi = ["\u061c", "\u200e", "\u200f", "\u202a", "\u202e", "\u2028", "\u2066", "\u2069"]
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(...bidi, "\u001b[2J", "\u001b[31m", "\u001b]0;t\u0007", "\u009b", "\r", "\u0000", "a\n"),
        fc.string()
      )
    )
    .map((each) => each.join(""))

  it("control no terminal and reorder nothing", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const line = printableLines(text)
        expect(line).not.toMatch(
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
      terminal.say("a\u202eb \u001b[31mred\u001b[39m\nerror: not ours")
    } finally {
      process.stdout.isTTY = isTTY
      out?.mockRestore()
      err?.mockRestore()
    }
    expect(written).toEqual(["a\u202eb\n", "ab\nc\n", "ab red\n  error: not ours\n"])
  })
})

describe("colors", () => {
  const printed = (env: Record<string, string>, use: (terminal: ReturnType<typeof makeTerminal>) => void) => {
    const written: Array<string> = []
    const out = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0)
    const { isTTY } = process.stdout
    try {
      process.stdout.isTTY = true
      use(makeTerminal(false, env))
    } finally {
      process.stdout.isTTY = isTTY
      out.mockRestore()
    }
    return written
  }
  const foreign = "\u001b[31mred \u001b[2J\u001b]0;title\u0007"

  it("are only ours, whatever a painted text contains", () => {
    const use = (terminal: ReturnType<typeof makeTerminal>) =>
      terminal.print(`${terminal.paint("bold", foreign)}|${foreign}`)
    expect(printed({ FORCE_COLOR: "1" }, use)).toEqual(["\u001b[1mred \u001b[22m|red \n"])
    expect(printed({ NO_COLOR: "1" }, use)).toEqual(["red |red \n"])
  })

  it("of a program's line end with it, and are dropped without colors", () => {
    const use = (terminal: ReturnType<typeof makeTerminal>) => terminal.print(terminal.programLine(foreign))
    expect(printed({ FORCE_COLOR: "1" }, use)).toEqual(["\u001b[31mred \u001b[0m\n"])
    expect(printed({ NO_COLOR: "1" }, use)).toEqual(["red \n"])
  })
})

describe("JSON", () => {
  it("has the same value, and no character that controls a terminal", () => {
    const hostile = { "\u009b31m": "a\u202eb\u{e0041}\u2028\ufeff\u007f" }
    expect(jsonText(hostile)).toBe('{"\\u009b31m":"a\\u202eb\\udb40\\udc41\\u2028\\ufeff\\u007f"}')
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: "binary" }), (value) => {
        expect(JSON.parse(jsonText(value, 2))).toEqual(JSON.parse(JSON.stringify(value)))
      })
    )
  })
})

describe("a future time", () => {
  const now = Date.parse("2026-01-01T00:00:00Z")
  it.each([
    ["2026-01-04T00:00:00Z", "in 3d", "in 3d"],
    ["2026-03-31T23:59:58.200Z", "in 90d", "in 90d"],
    ["2026-01-01T23:59:58Z", "in 1d", "in 1d"],
    ["2026-01-01T00:59:59Z", "in 1h", "in 1h"],
    ["2026-01-01T00:00:59Z", "in 59s", "in 59s"],
    ["2026-01-01T00:00:00Z", "now", "expired"],
    ["2025-12-31T00:00:00Z", "now", "expired"],
    [null, "never", "never"]
  ])("%s is %s in a sentence, and %s in a table of what expires", (instant, sentence, cell) => {
    expect(comes(instant, now)).toBe(sentence)
    expect(until(instant, now)).toBe(cell)
  })
})
