import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import fc from "fast-check"
import { cpuMillis } from "../../../config-schema/test/cpuClock.ts"
import { makeFilter } from "./filter.ts"
import { type Level, levels, makeLevels } from "./level.ts"

const levelOf = (line: string, stream: "stdout" | "stderr" | "system" = "stdout") =>
  makeLevels()({ instance: "i", line, stream })

const entry = (line: string, stream: "stdout" | "stderr" | "system" = "stdout", instance = "i") => ({
  cursor: "1",
  at: "2026-01-01T00:00:00.000Z",
  service: ServiceName.make("web"),
  revision: "web-00001",
  instance,
  stream,
  line,
  truncated: false
})

describe("the level of a line", () => {
  const told: ReadonlyArray<readonly [string, Level]> = [
    ['{"level":50,"time":1,"msg":"boom"}', "error"],
    ['{"level":"warn","msg":"slow"}', "warn"],
    ['{"severity":"CRITICAL","message":"x"}', "fatal"],
    ['{"message":"error","level":"info"}', "info"],
    ["time=2026-01-01T00:00:00Z level=warning msg=slow", "warn"],
    ["2026/11/29 10:00:00 [error] 7#7: *1 open() failed", "error"],
    ["2026-11-29 10:00:00,123 - app - ERROR - no disk", "error"],
    ["2026-11-29T10:00:00Z DEBUG sqlx: select 1", "debug"],
    ['INFO:     127.0.0.1:1 - "GET / HTTP/1.1" 200 OK', "info"],
    ["ERROR:root:it broke", "error"],
    ["\u001b[33mwarn\u001b[39m: slow", "warn"],
    ["[Nest] 1  - 11/29/2026, 10:00:00 AM   ERROR [App] no", "error"],
    ["npm ERR! code E404", "error"],
    ["E1129 10:00:00.000000       1 main.go:1] no", "error"],
    ["TypeError: x is not a function", "error"],
    ["Uncaught Error: no", "error"],
    ["Traceback (most recent call last):", "error"],
    ["panic: runtime error", "fatal"],
    ["GET /error 200 in 3 ms", "info"],
    ["0 errors, 2 warnings", "info"],
    ["fail-over is on", "info"],
    ["listening on 8080", "info"]
  ]
  it.each(told)("%s: %s", (line, level) => {
    expect(levelOf(line)).toBe(level)
  })

  it("is error on stderr and info on stdout, if the line has none", () => {
    expect([levelOf("x", "stderr"), levelOf("x"), levelOf("$ npm ci", "system")]).toEqual(["error", "info", "info"])
    for (const gone of [
      "it was ready and now fails: the program ended with exit code 7, 8.9 s after it was ready; retrying in 0.1 s",
      "it was ready, and fails since: the program ended with exit code 7, 8.9 s after it was ready; next try in 0.1 s",
      "the program was killed because it needs more than its 64Mi of memory",
      "the program was stopped because its liveness probe failed 3 times in a row",
      "the program ended with exit code 3 within a second of its start",
      "the instance no longer accepts connections; next try in 12.8 s"
    ])
      expect(levelOf(gone, "system")).toBe("error")
    expect(levelOf("INFO: x", "stderr")).toBe("info")
  })

  it("of a stack trace's later lines is that of the previous line of the same instance", () => {
    const of = makeLevels()
    const at = (line: string, instance = "a") => of({ instance, line, stream: "stdout" })
    expect([
      at("ERROR no disk"),
      at("    at open (fs.js:1)"),
      at("    at x", "b"),
      at("Caused by: y"),
      at("fine")
    ]).toEqual(["error", "error", "info", "error", "info"])
  })

  it("is a valid level for every line", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400, unit: "binary" }), (line) => {
        expect(levels).toContain(levelOf(line))
      }),
      { numRuns: 3_000 }
    )
  })

  it("takes no longer for lines that are crafted to be slow", () => {
    for (const part of ["[", "level=", "E", "{", " :", "A-", "\u001b["]) {
      const line = part.repeat(16_384 / part.length)
      const twenty = () => {
        for (let i = 0; i < 20; i++) levelOf(line)
      }
      expect(cpuMillis(twenty)).toBeLessThan(2_000)
    }
  })
})

describe("the filter of lines", () => {
  it("matches literal text, even if colors split it", () => {
    const has = (grep: string, line: string) => makeFilter({ grep, level: undefined })(entry(line))
    expect([
      has(".*", "a.*b"),
      has(".*", "ab"),
      has("a+b", "a+b"),
      has("order 42", "or\u001b[1mder\u001b[0m 42")
    ]).toEqual([true, false, true, true])
  })

  it("returns a subset of the lines for a higher level", () => {
    const line = fc.tuple(
      fc.constantFrom("ERROR a", "WARN b", '{"level":10}', "panic: c", "  more", "x"),
      fc.constantFrom("stdout" as const, "stderr" as const)
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        let before = lines.map((_, index) => index)
        for (const level of levels) {
          const wanted = makeFilter({ grep: undefined, level })
          const kept = lines.flatMap(([text, stream], index) => (wanted(entry(text, stream)) ? [index] : []))
          for (const index of kept) expect(before).toContain(index)
          before = kept
        }
      }),
      { numRuns: 1_000 }
    )
  })
})
