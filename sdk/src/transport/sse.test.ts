import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { makeEventParser } from "./sse.ts"

const parse = (...pieces: ReadonlyArray<string>) => {
  const parser = makeEventParser()
  return pieces.flatMap((piece) => parser.push(piece))
}

describe("makeEventParser", () => {
  it("reads fields, joins data, skips comments and unknown fields", () => {
    expect(parse(": hi\nid: 1\nevent: log\ndata: a\ndata:  b\nretry: 3\n\n")).toStrictEqual([
      { id: "1", event: "log", data: "a\n b" }
    ])
  })

  it("keeps the last id, defaults the event to `message`, and emits nothing without data or an end", () => {
    expect(parse("id: 7\n\ndata: x\n\nevent: log\n\ndata: cut")).toStrictEqual([
      { id: "7", event: "message", data: "x" }
    ])
  })

  it("parses the same for any chunks and line breaks", () => {
    const events = fc.array(
      fc.record({ id: fc.nat(), data: fc.array(fc.stringMatching(/^[a-z: ]{0,8}$/), { minLength: 1 }) })
    )
    fc.assert(
      fc.property(
        events,
        fc.constantFrom("\n", "\r\n", "\r"),
        fc.infiniteStream(fc.integer({ min: 1, max: 9 })),
        (events, end, cuts) => {
          const text = events
            .map(({ data, id }) => [`id: ${id}`, ...data.map((value) => `data: ${value}`), end].join(end))
            .join("")
          const pieces: Array<string> = []
          for (let at = 0; at < text.length; ) {
            const length = cuts.next().value ?? 1
            pieces.push(text.slice(at, at + length))
            at += length
          }
          // A "\r" at the very end may be half of "\r\n", so the last event waits for the next chunk.
          const read = parse(...pieces, ": end\n")
          expect(read).toStrictEqual(
            events.map(({ data, id }) => ({ id: String(id), event: "message", data: data.join("\n") }))
          )
        }
      )
    )
  })
})
