import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { compareLines, type LogLine, timeOf } from "../../../stores/logs/LogLine.ts"
import { PodLines } from "./PodLines.ts"

const of = { uid: "u", instance: "pod", revision: "api-00001" }
const start = Date.parse("2026-03-10T12:00:00Z")

/** As the kubelet writes a time: without trailing zeros. */
const written = (nanos: number) => {
  const millis = Math.trunc(nanos / 1_000_000)
  const digits = `${timeOf(start + millis).slice(0, 23)}${String(nanos % 1_000_000).padStart(6, "0")}`
  return `${digits.replace(/\.?0+$/, "")}Z`
}

const linesOf = (bytes: Buffer, after: LogLine | undefined, pieces: ReadonlyArray<number> = []) => {
  const lines = new PodLines(of, after)
  const places = [...new Set(pieces.map((piece) => piece % (bytes.length + 1)))].sort((a, b) => a - b)
  const given = [...places, bytes.length].flatMap((place, i) => lines.push(bytes.subarray(places[i - 1] ?? 0, place)))
  return [...given, ...lines.end()]
}

describe("PodLines", () => {
  it("reads times, empty lines, invalid UTF-8 and overlong lines", () => {
    const bytes = Buffer.concat([
      Buffer.from("2026-03-10T12:00:00Z first\n2026-03-10T12:00:00.1Z \n2026-03-10T12:00:00.12Z \u00fc"),
      Buffer.of(0xff, 0x0a),
      Buffer.from(`2026-03-10T12:00:00.123456789Z ${"x".repeat(16_384)}\n`),
      Buffer.from(`2026-03-10T12:00:01Z ${"x".repeat(16_385)}\n2026-03-10T12:00:02Z ${"\u00fc".repeat(20_000)}\n`)
    ])
    const lines = linesOf(bytes, undefined)
    expect(lines.map(({ t }) => t.slice(17, 29))).toEqual([
      "00.000000000",
      "00.100000000",
      "00.120000000",
      "00.123456789",
      "01.000000000",
      "02.000000000"
    ])
    expect(lines.slice(0, 3).map(({ line }) => line)).toEqual(["first", "", "ü\ufffd"])
    expect(lines.slice(3).map(({ line, truncated }) => [Buffer.byteLength(line), truncated])).toEqual([
      [16_384, false],
      [16_384, true],
      [16_384, true]
    ])
  })

  it("leaves out the rest of a line from before the answer, and the kubelet's remarks", () => {
    const bytes = Buffer.from("of a long line\n2026-03-10T12:00:00Z a\nunable to retrieve container logs\n")
    expect(linesOf(bytes, undefined).map(({ line }) => line)).toEqual(["a"])
  })

  it("gives exactly the lines after any line, in any chunks, with equal times and times out of order", () => {
    // Times go back by microseconds if two streams are read separately.
    const steps = fc.array(
      fc.oneof(fc.constantFrom(0, 0, 1, 1_000, -900, 5_000_000), fc.integer({ min: -50_000, max: 900_000_000 })),
      { maxLength: 60 }
    )
    fc.assert(
      fc.property(steps, fc.nat(), fc.array(fc.nat(), { maxLength: 8 }), (steps, place, pieces) => {
        let nanos = 2_000_000_000
        const texts = steps.map((step, i) => {
          nanos += step
          return { nanos, text: `${written(nanos)} line ${i}\n` }
        })
        const whole = linesOf(Buffer.from(texts.map(({ text }) => text).join("")), undefined)
        expect(whole.map(({ line }) => line)).toEqual(texts.map((_, i) => `line ${i}`))
        expect(whole.toSorted(compareLines)).toEqual(whole)
        if (whole.length === 0) return
        const index = place % whole.length
        const after = whole[index]
        // The API server cuts at whole seconds, each line by its own time.
        const since = (Math.floor((Date.parse(after?.t.slice(0, 19).concat("Z") ?? "") - start) / 1000) - 1) * 1e9
        const answer = texts.filter(({ nanos }) => nanos >= since).map(({ text }) => text)
        const resumed = linesOf(Buffer.from(answer.join("")), after, pieces)
        expect(resumed).toEqual(whole.slice(index + 1))
      }),
      { numRuns: 500 }
    )
  })
})
