import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { cpuMillis } from "../../../config-schema/test/cpuClock.ts"
import { devStart } from "../devScript.ts"
import type { BuildInput } from "../model.ts"
import { planBuild } from "../plan.ts"
import { programOf } from "../start.ts"
import { withoutComments } from "./denoConfig.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-deno-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Files = Readonly<Record<string, string>>
const planOf = async (files: Files, more: Partial<BuildInput> = {}) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return planBuild({ folder, ...more })
}
const linesOf = async (files: Files, more: Partial<BuildInput> = {}) => {
  const { name, steps } = await planOf(files, more)
  return [name, ...steps]
}
const scriptOf = async (files: Files) => {
  const { recipe } = await planOf(files)
  const start = (await recipe?.shape(folder))?.start
  return start !== undefined && "script" in start ? start.script : JSON.stringify(start)
}
const tasks = (all: Readonly<Record<string, unknown>>) => JSON.stringify({ tasks: all })
const serve = "Deno.serve(() => new Response())"
const own = 'export DENO_DIR="$PWD/.maxcloud/deno/cache"'
const address = `${own} DENO_SERVE_ADDRESS="tcp:0.0.0.0:\${PORT:-8000}";`
const permissions = "--allow-net --allow-env --allow-read"

describe("the plan for a Deno project", () => {
  const deno = ["Deno", "install: deno install (no lockfile)"]
  const cases: ReadonlyArray<readonly [string, Files, Partial<BuildInput>, ReadonlyArray<string>]> = [
    ["a config", { "deno.json": "{}", "main.ts": serve }, {}, deno],
    [
      "a lockfile",
      { "deno.lock": "{}", "main.ts": serve },
      {},
      ["Deno", "install: deno install --frozen (deno.lock)", "build: deno cache --frozen main.ts"]
    ],
    ["no lockfile wanted", { "deno.json": '{"lock":false}', "deno.lock": "{}", "main.ts": serve }, {}, deno],
    [
      "comments, and a build",
      { "deno.jsonc": '{ // a\n"tasks": { "build": "deno run -A b.ts", /* b */ },\n}', "main.ts": serve },
      {},
      [...deno, "build: deno task build"]
    ],
    [
      "a build in the config",
      { "deno.json": tasks({ build: "x" }), "main.ts": serve },
      { build: "make" },
      [...deno, "build: make"]
    ],
    ["no build wanted", { "deno.json": tasks({ build: "x" }), "main.ts": serve }, { build: false }, deno],
    [
      "a package.json only for a tool",
      {
        "deno.json": "{}",
        "main.ts": serve,
        "package.json": '{"devDependencies":{"@maxcloud/cli":"1"}}',
        "package-lock.json": "{}"
      },
      {},
      deno
    ],
    [
      "a package.json that Deno starts",
      { "deno.json": "{}", "package.json": '{"scripts":{"start":"deno run -A x.ts"}}' },
      {},
      deno
    ]
  ]
  it.each(cases)("is read from %s", async (_, files, more, expected) => {
    expect(await linesOf(files, more)).toEqual(expected)
  })

  it.each<readonly [string, Files]>([
    ["a start script for Node", { "package.json": '{"scripts":{"start":"node a.js"}}', "main.ts": "" }],
    ["a framework", { "package.json": '{"dependencies":{"next":"16"}}', "main.ts": "" }],
    [
      "packages of npm's lockfile",
      { "package.json": '{"dependencies":{"a":"1"}}', "package-lock.json": "{}", "main.ts": "" }
    ],
    ["a page", { "index.html": "" }]
  ])("is not made for a folder with settings for deno and %s", async (_, files) => {
    expect((await linesOf({ "deno.json": '{"fmt":{}}', ...files }))[0]).not.toBe("Deno")
  })

  it("reports the fix if nothing starts, or the config can't be read", async () => {
    await expect(planOf({ "deno.json": "{}" })).rejects.toThrow(/`start` task.*`command: \["deno", "run"/)
    expect((await planOf({ "deno.json": "{}" }, { hasCommand: true })).name).toBe("Deno")
    await expect(planOf({ "deno.json": "{ nothing" })).rejects.toThrow("The deno.json of the source isn't valid JSON")
    await expect(planOf({ "deno.json": '{"tasks":{"start":5}}' })).rejects.toThrow("wrong type")
  })

  it("caches dependencies by lockfile and config, unless they are in node_modules", async () => {
    const keyOf = async (files: Files) => (await planOf({ "main.ts": serve, ...files })).recipe?.cache?.key
    const first = await keyOf({ "deno.json": "{}", "deno.lock": "1" })
    expect(first).toMatch(/^[0-9a-f]{64}$/)
    expect(await keyOf({ "main.ts": `${serve}\n` })).toBe(first)
    expect(await keyOf({ "deno.lock": "2" })).not.toBe(first)
    expect(await keyOf({ "deno.json": '{"nodeModulesDir":"auto"}' })).toBeUndefined()
  })

  it("fetches the imports of a generated module after the build", async () => {
    const { recipe } = await planOf({
      "deno.json": tasks({ build: "vite build", start: "deno serve -A _fresh/server.js" })
    })
    expect(recipe?.build?.args).toEqual(["-c", "deno task build && deno cache _fresh/server.js"])
  })
})

describe("the start command of a Deno project", () => {
  const run = (rest: string) => `${address} exec deno run --cached-only ${rest}`
  const served = `${own}; exec deno serve --cached-only --host 0.0.0.0 --port "\${PORT:-8000}"`
  const cases: ReadonlyArray<readonly [string, Files, string]> = [
    ["main.ts", { "main.ts": serve, "mod.ts": "" }, run(`${permissions} main.ts`)],
    ["src/server.tsx", { "src/server.tsx": serve }, run(`${permissions} src/server.tsx`)],
    ["a module with a fetch", { "main.ts": "export default { fetch }" }, `${served} ${permissions} main.ts`],
    [
      "the start task",
      { "deno.json": tasks({ start: "deno run -A x.ts --a=$B" }), "main.ts": "" },
      run("-A x.ts --a=$B")
    ],
    ["its command", { "deno.json": tasks({ start: { command: "deno run -A x.ts" } }) }, run("-A x.ts")],
    [
      "its serve, on the service's port",
      { "deno.json": tasks({ start: "deno serve -A --port 3000 --host=127.0.0.1 x.ts" }) },
      `${served} -A x.ts`
    ],
    [
      "its own permission for a port",
      { "deno.json": tasks({ start: "deno run --allow-net=:3000 x.ts" }) },
      `${own}; exec deno run --cached-only --allow-net=:3000 x.ts`
    ],
    [
      "a task of several commands",
      { "deno.json": tasks({ start: "a && deno run x.ts" }) },
      `${address} exec deno task start`
    ],
    [
      "a task with others before it",
      { "deno.json": tasks({ start: { command: "deno run x.ts", dependencies: ["b"] } }) },
      `${address} exec deno task start`
    ],
    [
      "main.ts before a start that watches",
      { "deno.json": tasks({ start: "deno run -A --watch=static/ dev.ts" }), "main.ts": serve },
      run(`${permissions} main.ts`)
    ],
    [
      "a start that watches, without that",
      { "deno.json": tasks({ start: "deno run -A --watch ./main.ts" }), "main.ts": serve },
      run("-A ./main.ts")
    ],
    ["a Procfile", { Procfile: "web: deno run -A a.ts\n", "main.ts": "" }, `${address} deno run -A a.ts`]
  ]
  it.each(cases)("is %s", async (_, files, expected) => {
    expect(await scriptOf({ "deno.json": "{}", ...files })).toBe(expected)
  })
})

describe("a Deno project in place", () => {
  const write = (files: Files) => {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  }
  const listen = `export DENO_SERVE_ADDRESS="tcp:0.0.0.0:\${PORT:-8000}";`

  it("starts as after a build, with the dependencies of the user who runs it", async () => {
    write({ "deno.json": "{}", "main.ts": serve })
    const script = `${listen} exec deno run ${permissions} main.ts`
    expect(await programOf(folder, undefined)).toEqual({ file: "sh", args: ["-c", script] })
    write({ "main.ts": "export default {}" })
    const [, served] = (await programOf(folder, undefined)).args
    expect(served).toBe(`exec deno serve --host 0.0.0.0 --port "\${PORT:-8000}" ${permissions} main.ts`)
  })

  it("runs its dev task during development, on the service's port", async () => {
    write({ "deno.json": "{}", "main.ts": serve })
    expect(await devStart(folder)).toBeUndefined()
    write({ "deno.json": tasks({ dev: "deno run --watch -A main.ts" }) })
    expect(await devStart(folder)).toMatchObject({
      start: { script: `${listen} exec deno task dev` },
      tool: "deno",
      portArguments: []
    })
    write({ "deno.json": tasks({ dev: "vite" }) })
    expect(await devStart(folder)).toMatchObject({ tool: "vite", portArguments: ["--port", "{port}", "--strictPort"] })
  })

  it("stays Node's if its package.json says so", async () => {
    write({ "deno.json": tasks({ dev: "x" }), "package.json": '{"scripts":{"start":"node a.js"}}', "main.ts": "" })
    expect(await devStart(folder)).toBeUndefined()
    expect((await programOf(folder, undefined)).args).toEqual(["-c", "exec node a.js"])
  })
})

describe("a config with comments", () => {
  it("parses to the same JSON as without them", () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(JSON.parse(withoutComments(json))).toEqual(JSON.parse(json))
      })
    )
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), (texts, note) => {
        const comment = `/* ${note.replaceAll("*/", "")} */ // ${note.replaceAll("\n", "")}\n`
        const written = `[${comment}${texts.map((text) => `${JSON.stringify(text)} ${comment},${comment}`).join("")}]`
        expect(JSON.parse(withoutComments(written))).toEqual(texts)
      })
    )
  })

  it.each([
    '"\\'.repeat(50_000),
    "/*".repeat(100_000),
    ", ".repeat(100_000),
    '\\"'.repeat(100_000),
    `,${" ".repeat(200_000)}`
  ])("is parsed in linear time", (text) => {
    expect(cpuMillis(() => withoutComments(text))).toBeLessThan(1_000)
  })
})
