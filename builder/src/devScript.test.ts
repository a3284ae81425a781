import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { FastCheck } from "effect"
import { devStart } from "./devScript.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-dev-script-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const withScripts = (scripts: Readonly<Record<string, string>>, rest: object = {}) => {
  writeFileSync(join(folder, "package.json"), JSON.stringify({ scripts, ...rest }))
  return devStart(folder)
}

describe("a dev script", () => {
  it.each([
    ["vite", "vite", "vite"],
    ["vite dev --host", "vite", "vite dev --host"],
    ["vite ./web --port 3000", "vite", "vite ./web"],
    ["NODE_OPTIONS=--inspect cross-env A=1 npx vite --port=3000 --open", "vite", undefined],
    ["node_modules/.bin/vite", "vite", "node_modules/.bin/vite"],
    ["bunx --bun vite", "vite", "bunx --bun vite"],
    ["tsc --noEmit && pnpm exec vite", "vite", "tsc --noEmit && pnpm exec vite"],
    ["next dev -p 3000 --turbopack", "next", "next dev --turbopack"],
    ["astro dev", "astro", "astro dev"],
    ["nuxt dev", "nuxt", "nuxt dev"],
    ["react-router dev", "react-router", "react-router dev"]
  ])("of a known tool gets the port: %s", async (dev, tool, script) => {
    const found = await withScripts({ dev })
    expect(found?.tool).toBe(tool)
    expect(found?.portArguments.slice(0, 2)).toEqual(["--port", "{port}"])
    if (script !== undefined) expect(found?.start).toMatchObject({ script })
  })

  it.each([
    "node --watch server.js --port 3000",
    "tsx watch src/index.ts",
    "vite build --watch",
    "next build",
    "tsc -w & vite",
    "vite | tee log",
    "vite > log",
    "(vite)",
    "concurrently 'npm:a' 'npm:b'",
    "turbo dev",
    "vite preview"
  ])("of any other program runs unchanged, with PORT: %s", async (dev) => {
    expect(await withScripts({ dev })).toMatchObject({ tool: undefined, portArguments: [], start: { script: dev } })
  })

  it("that only calls another one is replaced by that one, without endless recursion", async () => {
    const found = await withScripts({ dev: "npm run dev:web", "dev:web": "pnpm serve", serve: "vite", preserve: "tsc" })
    expect(found).toMatchObject({ tool: "vite", start: { script: "vite", prestart: "tsc" } })
    expect(await withScripts({ dev: "npm run dev" })).toMatchObject({ start: { script: "npm run dev" } })
    expect(await withScripts({ dev: "npm run gone" })).toMatchObject({ start: { script: "npm run gone" } })
  })

  it("doesn't exist without a package.json, a script, or text in it", async () => {
    expect(await devStart(folder)).toBeUndefined()
    expect(await withScripts({ start: "node ." })).toBeUndefined()
    expect(await withScripts({ dev: " " })).toBeUndefined()
  })

  it("reports what to install first", async () => {
    const rest = { dependencies: { vite: "7" } }
    expect((await withScripts({ dev: "vite" }, rest))?.notInstalled).toBe("npm")
    writeFileSync(join(folder, "pnpm-lock.yaml"), "lockfileVersion: '9.0'\n")
    expect((await withScripts({ dev: "vite" }, rest))?.notInstalled).toBe("pnpm")
    mkdirSync(join(folder, "node_modules"))
    expect((await withScripts({ dev: "vite" }, rest))?.notInstalled).toBeUndefined()
    expect((await withScripts({ dev: "node ." }))?.notInstalled).toBeUndefined()
  })

  it("is parsed fast for any text, and never becomes empty", async () => {
    const word = FastCheck.oneof(
      FastCheck.string(),
      FastCheck.constantFrom(
        "vite",
        "next",
        "dev",
        "npm",
        "run",
        "&&",
        ";",
        "--port",
        "-p",
        "3000",
        "A=1",
        "npx",
        "exec"
      )
    )
    await FastCheck.assert(
      FastCheck.asyncProperty(FastCheck.array(word, { minLength: 1, maxLength: 12 }), async (words) => {
        const dev = words.join(" ")
        const found = await withScripts({ dev })
        if (dev.trim() === "") expect(found).toBeUndefined()
        else if (found !== undefined && "script" in found.start) {
          expect(found.start.script.trim()).not.toBe("")
          if (found.portArguments.length === 0) expect(found.start.script).toBe(dev)
        }
      }),
      { numRuns: 500 }
    )
  })
})
