import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { programOf } from "./start.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-program-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const scriptOf = async (scripts: Readonly<Record<string, string>>, args: ReadonlyArray<string> = []) => {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts }))
  const program = await programOf(folder, undefined, args)
  expect([program.file, program.args[0]]).toEqual(["sh", "-c"])
  return program.args.slice(1)
}

describe("a start script", () => {
  it.each([
    ["node server.js", "exec node server.js"],
    ["  node server.js --port $PORT", "exec node server.js --port $PORT"],
    ["NODE_ENV=production A= ./bin/app 'a b'", "NODE_ENV=production A= exec ./bin/app 'a b'"],
    ["next", "exec next"]
  ])("of one command replaces the shell: %s", async (start, script) => {
    expect(await scriptOf({ start })).toEqual([script])
  })

  it.each([
    "node a.js & node b.js",
    "npm run build && node a.js",
    "cd app; node a.js",
    "cd app",
    "exec node a.js",
    "node a.js | cat",
    "node a.js > out",
    "(node a.js)",
    'A="b c" node a.js',
    "if true",
    "node a.js\nnode b.js",
    "# nothing"
  ])("that needs the shell keeps it: %s", async (start) => {
    expect(await scriptOf({ start })).toEqual([start])
  })

  it("gets args, and runs after prestart", async () => {
    expect(await scriptOf({ start: "node a.js" }, ["--x"])).toEqual(['exec node a.js "$@"', "sh", "--x"])
    expect(await scriptOf({ prestart: "echo 1", start: "node a.js" })).toEqual(["{ echo 1\n} && { exec node a.js\n}"])
  })
})
