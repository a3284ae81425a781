import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { Either } from "effect"
import fc from "fast-check"
import { fromBatch, toBatch } from "./logBatch.ts"
import type { LogEntry } from "./logs.ts"

const text = fc.string({ maxLength: 20, unit: "binary" }).map((value) => value.toWellFormed().replaceAll("\n", " "))
const entry: fc.Arbitrary<LogEntry> = fc.record({
  cursor: fc.oneof(
    fc.nat(99).map((n) => `1;2026-01-01;a@${n}`),
    text
  ),
  at: fc.nat(999).map((n) => `2026-01-01T00:00:00.${String(n).padStart(3, "0")}000000Z`),
  service: fc.constant(ServiceName.make("web")),
  revision: fc.constantFrom("web-00001", "web-00002"),
  instance: fc.constantFrom("a", "b", ""),
  stream: fc.constantFrom("stdout", "stderr", "system"),
  line: text,
  truncated: fc.boolean()
})
const entries = fc.array(entry, { minLength: 1, maxLength: 50 })

const sent = (given: ReadonlyArray<LogEntry>) =>
  Either.getOrThrow(Either.mapLeft(fromBatch(JSON.stringify(toBatch(given))), ({ message }) => new Error(message)))

describe("a batch of log lines", () => {
  it("gives exactly its lines again", () => {
    fc.assert(
      fc.property(entries, (given) => {
        expect(sent(given)).toEqual(given)
      })
    )
  })

  it("isn't made of lines with newlines in them, or of several services", () => {
    fc.assert(
      fc.property(entries, fc.nat(), (given, n) => {
        const at = n % given.length
        const changed = (change: Partial<LogEntry>) =>
          given.map((value, index) => (index === at ? { ...value, ...change } : value))
        expect(toBatch(changed({ line: "a\nb" }))).toBeUndefined()
        expect(toBatch(changed({ cursor: "a\nb" }))).toBeUndefined()
        if (given.length > 1) expect(toBatch(changed({ service: ServiceName.make("api") }))).toBeUndefined()
      })
    )
  })

  it("sends what its lines have in common once", () => {
    const given = Array.from({ length: 1_000 }, (_, n): LogEntry => {
      const at = `2026-01-01T00:00:00.${String(n).padStart(6, "0")}000Z`
      const cursor = `1;2026-01-01T00:00:00.000000000Z;8f2b11c0a4d2@${at}`
      return {
        cursor,
        at,
        service: ServiceName.make("web"),
        revision: "web-00001",
        instance: "web-00001-deployment-1",
        stream: "stdout",
        line: "hello",
        truncated: false
      }
    })
    expect(JSON.stringify(toBatch(given)).length / given.length).toBeLessThan(35)
    expect(sent(given)).toEqual(given)
  })

  it("is refused if its parts don't fit together", () => {
    const good = toBatch([
      {
        cursor: "1",
        at: "2026-01-01T00:00:00Z",
        service: ServiceName.make("web"),
        revision: "r",
        instance: "i",
        stream: "stdout",
        line: "x",
        truncated: false
      }
    ])
    for (const wrong of [{ times: "a\nb" }, { cursors: "a\nb" }, { lines: "a\nb" }, { from: "7" }, { sources: [] }]) {
      expect(Either.isLeft(fromBatch(JSON.stringify({ ...good, ...wrong }))), JSON.stringify(wrong)).toBe(true)
    }
    expect(Either.isLeft(fromBatch("{"))).toBe(true)
  })
})
