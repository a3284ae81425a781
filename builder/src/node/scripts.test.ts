import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { isForDevelopment } from "./frameworks.ts"
import type { PackageJson } from "./packageJson.ts"
import { developmentUsedBy, withoutBuild } from "./scripts.ts"

describe("a start that builds first", () => {
  it.each([
    ["npm run build && node dist/server.js", "node dist/server.js"],
    ["yarn build && PORT=1 node a.js && node b.js", "PORT=1 node a.js && node b.js"],
    ["tsc -p . && node dist/server.js", "node dist/server.js"],
    ["npm run build:css && node a.js", "npm run build:css && node a.js"],
    ["npm run build -- --watch && node a.js", "npm run build -- --watch && node a.js"],
    ["node a.js && npm run build", "node a.js && npm run build"],
    ["npm run build", "npm run build"]
  ])("starts without the steps of the build: %s", (script, expected) => {
    expect(withoutBuild({ script, prestart: "npm run build" }, { scripts: { build: "tsc -p ." } })).toEqual({
      script: expected,
      prestart: undefined
    })
  })

  it("keeps a prestart with other steps", () => {
    const start = { script: "node a.js", prestart: "node migrate.js" }
    expect(withoutBuild(start, { scripts: { build: "tsc" } })).toEqual(start)
  })
})

describe("development packages that a start uses", () => {
  let modules: string
  beforeEach(() => {
    modules = mkdtempSync(join(tmpdir(), "maxcloud-modules-"))
    for (const [name, bin] of [
      ["typescript", { tsc: "./bin/tsc" }],
      ["@scope/tool", "./cli.js"],
      ["ts-node", { "ts-node": "x" }]
    ] as const) {
      mkdirSync(join(modules, name), { recursive: true })
      writeFileSync(join(modules, name, "package.json"), JSON.stringify({ name, bin }))
    }
  })
  afterEach(() => rmSync(modules, { recursive: true, force: true }))

  const packageJson: PackageJson = {
    dependencies: { express: "1" },
    devDependencies: { typescript: "1", "@scope/tool": "1", "ts-node": "1", express: "1", absent: "1" },
    scripts: { build: "tsc", compile: "npm run build", loop: "npm run loop" }
  }
  it.each([
    ["node dist/a.js", undefined],
    ["npm run compile && node dist/a.js", "typescript"],
    ["NODE_ENV=x tool --port 1", "@scope/tool"],
    ["node -r ts-node/register src/a.ts", "ts-node"],
    ["node --import=absent a.js", "absent"],
    ["express a.js", undefined],
    ["npm run loop", undefined]
  ])("are found in %s", async (script, expected) => {
    expect(await developmentUsedBy({ script }, packageJson, modules)).toBe(expected)
  })
})

describe("a start for development", () => {
  it.each([
    ["npx @11ty/eleventy --serve --quiet", true],
    ["npx -y @11ty/eleventy@3 --serve", true],
    ["vitepress dev docs", true],
    ["nx serve", true],
    ["docusaurus start", true],
    ["nx run-many", false],
    ["npx serve -s build", false],
    ["node server.js", false]
  ])("is distinguished from one for production: %s", (script, expected) => {
    expect(isForDevelopment({ script })).toBe(expected)
  })
})
