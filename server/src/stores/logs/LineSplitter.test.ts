import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { LineSplitter, maxLineBytes } from "./LineSplitter.ts"

interface Split {
  readonly lines: Array<string>
  readonly truncated: Array<boolean>
  readonly cut: Array<number>
}

const split = (chunks: Iterable<Uint8Array>): Split => {
  const result: Split = { lines: [], truncated: [], cut: [] }
  const splitter = new LineSplitter(
    (line, truncated) => {
      result.lines.push(line)
      result.truncated.push(truncated)
    },
    (bytes) => result.cut.push(bytes)
  )
  for (const chunk of chunks) splitter.push(chunk)
  splitter.flush()
  return result
}

const chunked = (bytes: Buffer, cuts: ReadonlyArray<number>): Array<Buffer> => {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b)
  return [...places, bytes.length].map((place, i) => bytes.subarray(places[i - 1] ?? 0, place))
}

describe("LineSplitter", () => {
  it("ends lines at a newline, with or without a carriage return before it", () => {
    expect(split([Buffer.from("a\nb\r\nc\rd\n\n\r\nlast")]).lines).toEqual(["a", "b", "c\rd", "", "", "last"])
  })

  it("keeps characters that are split between chunks, and replaces invalid UTF-8", () => {
    const bytes = Buffer.from("grün 🚀\n")
    expect(split(Array.from(bytes, (byte) => Buffer.of(byte))).lines).toEqual(["grün 🚀"])
    expect(split([Buffer.of(0x61, 0xff, 0xfe, 0x62, 0x0a)]).lines).toEqual(["a\ufffd\ufffdb"])
  })

  it("keeps a line of exactly 16 KiB, and cuts one that's a byte longer", () => {
    const full = "x".repeat(maxLineBytes)
    expect(split([Buffer.from(`${full}\r\n`)])).toEqual({ lines: [full], truncated: [false], cut: [] })
    expect(split([Buffer.from(`${full}y\nnext\n`)])).toEqual({
      lines: [full, "next"],
      truncated: [true, false],
      cut: [1]
    })
  })

  it("cuts between characters", () => {
    const line = `${"x".repeat(maxLineBytes - 1)}é and more`
    const { lines, cut } = split([Buffer.from(`${line}\n`)])
    expect(lines).toEqual(["x".repeat(maxLineBytes - 1)])
    expect(cut).toEqual([Buffer.byteLength("é and more")])
  })

  it("emits the cut line at once, because its end may never come", () => {
    const lines: Array<string> = []
    const splitter = new LineSplitter(
      (line) => lines.push(line),
      () => expect.fail("no line has ended")
    )
    const returns = Buffer.alloc(64 * 1024, "\r")
    for (let i = 0; i < 100; i++) splitter.push(returns)
    expect(lines).toEqual(["\r".repeat(maxLineBytes)])
  })

  it("emits the same lines however the bytes are chunked, and reports every lost byte", () => {
    const piece = fc.oneof(
      { weight: 5, arbitrary: fc.constantFrom("\n", "\r\n", "\r", "a", "é", "🚀").map((text) => Buffer.from(text)) },
      { weight: 3, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.integer({ min: -6, max: 6 }), fc.constantFrom("x", "\r", "é"))
          .map(([more, text]) => Buffer.from(text.repeat(Math.ceil((maxLineBytes + more) / Buffer.byteLength(text)))))
      }
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 20 }), (pieces, cuts) => {
        const bytes = Buffer.concat(pieces)
        const whole = split([bytes])
        expect(split(chunked(bytes, cuts))).toEqual(whole)
        const ends = bytes.filter((byte) => byte === 0x0a).length
        expect(whole.lines.length).toBe(ends + (bytes.length > 0 && bytes.at(-1) !== 0x0a ? 1 : 0))
        expect(whole.cut.length).toBe(whole.truncated.filter(Boolean).length)
        for (const line of whole.lines) expect(line).not.toContain("\n")
      }),
      { numRuns: 300 }
    )
  })
})
