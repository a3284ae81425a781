import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { cpuMillis } from "../../../../config-schema/test/cpuClock.ts"
import { crashRemedyOf } from "./crashRemedies.ts"
import { endDiagnosis } from "./endDiagnosis.ts"

describe("advice about a program that exited", () => {
  // Lines as real programs write them.
  it.each([
    [
      'Error: Config validation error: "MONGODB_URL" is required',
      /env: \{ MONGODB_URL: secret\("MONGODB_URL"\) \}.*secrets set MONGODB_URL/
    ],
    ["Error: STRIPE_SECRET_KEY environment variable is not set", /STRIPE_SECRET_KEY/],
    ["KeyError: 'SECRET_KEY'", /secrets set SECRET_KEY/],
    ["panic: DATABASE_URL must be set", /DATABASE_URL/],
    ["  DATABASE_URL: [ 'Required' ]", /DATABASE_URL/],
    [
      'Error: The `uri` parameter to `openUri()` must be a string, got "undefined". Make sure the first parameter',
      /most likely a variable/
    ],
    ["sqlite3.OperationalError: unable to open database file", /read-only.*HOME or TMPDIR/],
    ["Error: EACCES: permission denied, mkdir '/data/app/logs'", /read-only/],
    ["PermissionError: [Errno 13] Permission denied: 'app/x.mo'", /read-only/],
    ["Error: Cannot find module 'koa'", /^koa isn't installed.*`dependencies`/],
    ["ModuleNotFoundError: No module named 'flask'", /package for flask/],
    ["sh: 1: exec: nx: not found", /^nx isn't installed/],
    ["Error: connect ECONNREFUSED 127.0.0.1:5432", /port 5432 .*DATABASE_URL/]
  ])("is found for %s", (line, expected) => {
    const output = `starting\n\u001b[31m${line}\u001b[39m\n    at x (y.js:1:1)\n`
    expect(crashRemedyOf(output) ?? "").toMatch(expected)
    const found = endDiagnosis({ code: 1 }, { evidence: [], of: "source", when: " at once", output })
    expect(found.code).toBe("CrashOnStart")
    expect(found.fix).toMatch(expected)
  })

  it.each(["TypeError: x is not a function", "Cannot find module './lib/a'", "it listens", ""])(
    "isn't invented for %j",
    (line) => {
      expect(crashRemedyOf(line)).toBeUndefined()
      const found = endDiagnosis({ code: 1 }, { evidence: [], of: "source", when: "", output: line })
      expect(found.fix).toContain("maxcloud logs")
    }
  )

  it("takes bounded time for any output", () => {
    const words = fc.constantFrom(
      "A_B",
      " is required",
      "'",
      "KeyError: '",
      "missing env variable ",
      "\n",
      "sh: 1: ",
      "a"
    )
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 12 }), (some) => {
        const output = some.join("").repeat(1_000)
        expect(cpuMillis(() => crashRemedyOf(output))).toBeLessThan(1_000)
      }),
      { numRuns: 30 }
    )
  })
})
