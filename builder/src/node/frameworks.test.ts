import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { frameworkOf } from "./frameworks.ts"

describe("a SvelteKit project without an adapter for servers", () => {
  let folder = ""
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "maxcloud-frameworks-"))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it.each([
    [["vite.config.ts"], "vite.config.ts"],
    [["svelte.config.js", "vite.config.ts"], "svelte.config.js"],
    [["svelte.config.ts", "vite.config.ts"], "svelte.config.ts"],
    [[], "vite.config.ts"]
  ])("gets advice that names its own file: %j", async (files, named) => {
    for (const file of files) writeFileSync(join(folder, file), "")
    const framework = frameworkOf({ devDependencies: { "@sveltejs/kit": "^2.0.0" } })
    expect(await framework?.shape?.(folder)).toContain(`instead of the project's adapter in ${named}: `)
  })
})
