import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { cpuMillis } from "../../config-schema/test/cpuClock.ts"
import { failureLines } from "./failureLines.ts"
import { remedyOf } from "./remedies.ts"

describe("the fix for a tool's failure", () => {
  // Original lines of the tools.
  it.each([
    [
      "deno's frozen lockfile",
      "error: The lockfile is out of date. Run `deno install --frozen=false`, or rerun with `--frozen=false` to update it.",
      /deno\.lock is older .*Run `deno install`/
    ],
    [
      "pip, of a package",
      "ERROR: Ignored the following versions that require a different python version: 6.0 Requires-Python >=3.12; 6.0.1 Requires-Python >=3.12\nERROR: Could not find a version that satisfies the requirement django<6.1,>=6.0 (from versions: 1.1.3, 1.1.4)\nERROR: No matching distribution found for django<6.1,>=6.0",
      /needs Python >=3\.12, .*`FROM python:3\.12-slim`/
    ],
    [
      "pip, of the project",
      "ERROR: Package 'shop' requires a different Python: 3.11.2 not in '>=3.13'",
      /needs Python >=3\.13/
    ],
    [
      "poetry",
      "Current Python version (3.11.2) is not allowed by the project (^3.12).",
      /needs Python \^3\.12, .*python:3\.12-slim/
    ],
    [
      "yarn 1's engines",
      'error shop@1.0.0: The engine "node" is incompatible with this module. Expected version "16.x". Got "24.21.0"',
      /needs Node 16\.x, .*`FROM node:16`/
    ],
    [
      "npm's engines",
      'npm error code EBADENGINE\nnpm error engine Unsupported engine\nnpm error notsup Not compatible with your version of node/npm: shop@1.0.0\nnpm error notsup Required: {"node":"^18"}',
      /needs Node \^18/
    ],
    ["webpack 4", "Error: error:0308010C:digital envelope routines::unsupported", /--openssl-legacy-provider/],
    [
      "node-gyp",
      "gyp ERR! cwd /data/tree/node_modules/better-sqlite3\ngyp ERR! node -v v24.21.0",
      /^Compiling better-sqlite3 failed.*prebuilt binary/
    ],
    [
      "npm's lockfile",
      "npm error `npm ci` can only install packages when your package.json and package-lock.json or npm-shrinkwrap.json are in sync.",
      /Run `npm install`/
    ],
    [
      "Go",
      "go: go.mod requires go >= 1.27.1 (running go 1.26.8; GOTOOLCHAIN=local)",
      /needs Go 1\.27\.1 .*golang:1\.27`/
    ],
    [
      "a build without a variable",
      "Error: POSTGRES_URL environment variable is not set",
      /variable POSTGRES_URL, .*build: "POSTGRES_URL=/
    ],
    ["Prisma", "error: Environment variable not found: DATABASE_URL.", /DATABASE_URL/],
    ["another wording", "Missing required environment variable: NEXT_PUBLIC_API_KEY", /NEXT_PUBLIC_API_KEY/]
  ])("is known for %s", (_, output, expected) => {
    expect(remedyOf(`some line before\n\u001b[31m${output}\u001b[39m\nand after\n`)).toMatch(expected)
  })

  it.each(["src/a.ts:1:1 - error TS2304: Cannot find name 'x'.", "Module not found: Error: Can't resolve './a'", ""])(
    "isn't invented for %j",
    (output) => expect(remedyOf(output)).toBeUndefined()
  )

  it("is found in bounded time, whatever the output", () => {
    const words = fc.constantFrom(
      "Requires-Python >=3.1",
      "missing env variable ",
      "A_B",
      "EBADENGINE",
      "\n",
      " ",
      "notsup",
      "requires-python"
    )
    fc.assert(
      fc.property(fc.array(words, { minLength: 1, maxLength: 20 }), (some) => {
        const output = some.join("").repeat(2_000)
        expect(cpuMillis(() => remedyOf(output))).toBeLessThan(2_000)
      }),
      { numRuns: 30 }
    )
  })

  it("comes with readable lines", () => {
    const versions = Array.from({ length: 900 }, (_, at) => `1.${at}`).join(", ")
    const lines = failureLines(
      `ERROR: Could not find a version (from versions: ${versions})\nERROR: No matching distribution`
    )
    expect(lines.split("\n")[0]?.length).toBeLessThan(400)
    expect(lines).toContain("No matching distribution")
  })
})
