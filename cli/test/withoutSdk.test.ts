import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "@effect/vitest"
import { run } from "./cli.ts"

const cwd = mkdtempSync(join(tmpdir(), "maxcloud-alone-"))
afterAll(() => rmSync(cwd, { recursive: true }))

/** A folder without node_modules in it or above it. */
const check = (port: string, file: string, imported: string) => {
  const text = `${imported}\n\nexport default defineConfig({ app: "shop", services: [service("web", { image: "nginx:1", port: ${port} })] })\n`
  writeFileSync(join(cwd, file), text)
  return run(["config", "check", file], { cwd })
}

it.each([
  ["maxcloud.config.ts", `import { defineConfig, service } from "@maxcloud/sdk/config"`],
  ["maxcloud.config.mjs", `import { defineConfig, service } from "@maxcloud/sdk/config"`]
])("reads %s in a folder without the SDK, and names the lines of mistakes", async (file, imported) => {
  const good = await check("80", file, imported)
  expect(good).toMatchObject({ code: 0, stdout: `${file} is valid: app shop (production), services: web\n` })
  const bad = await check("0", file, imported)
  expect(bad.code).toBe(2)
  expect(bad.stderr).toMatch(new RegExp(`${file.replaceAll(".", "\\.")}:3:\\d+ +services\\.web\\.port`))
})

it("still names another package that isn't installed", async () => {
  const other = await check("80", "other.ts", `import { defineConfig, service } from "@maxcloud/nope"`)
  expect(other.stderr).toContain("npm i -D @maxcloud/nope")
})
