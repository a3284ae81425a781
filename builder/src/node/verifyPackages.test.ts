import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { verifyPackages } from "./verifyPackages.ts"

let folder: string
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), "maxcloud-verify-")), "node_modules")
})
afterEach(() => rmSync(dirname(folder), { recursive: true, force: true }))

const modules = (files: Readonly<Record<string, string>>) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return verifyPackages(folder)
}
const whole = {
  "a/package.json": '{"name":"a","main":"x.js"}',
  "a/x.js": "1",
  "a/empty.d.ts": "",
  "@s/b/package.json": "{}"
}

describe("the packages that a package manager has installed", () => {
  it("are accepted if they are complete", async () => {
    await modules({
      ...whole,
      ".package-lock.json": '{"packages":{"node_modules/a":{},"node_modules/gone":{"optional":true}}}'
    })
  })

  it.each([
    ["an empty package.json", { "c/package.json": "" }, "c/package.json is empty"],
    ["a cut package.json", { "@s/c/package.json": '{"na' }, "isn't valid JSON"],
    ["a nested one", { "a/node_modules/c/package.json": "" }, "node_modules/a/node_modules/c/package.json"],
    ["one in pnpm's store", { ".pnpm/c@1/node_modules/c/package.json": "" }, ".pnpm/c@1/node_modules/c"],
    ["an empty program", { "c/package.json": '{"bin":{"c":"cli.js"}}', "c/cli.js": "" }, "cli.js is empty"],
    ["only empty files", { "c/package.json": '{"main":"i.js"}', "c/i.js": "", "c/j.js": "" }, "only has empty files"],
    ["a package that npm has listed", { ".package-lock.json": '{"packages":{"node_modules/c":{}}}' }, "is missing"],
    [
      "mostly empty files",
      Object.fromEntries([["c/package.json", "{}"], ...Array.from({ length: 30 }, (_, at) => [`c/${at}.js`, ""])]),
      "files in node_modules are empty"
    ]
  ])("are refused with %s", async (_, files, message) => {
    await expect(modules({ ...whole, ...files })).rejects.toMatchObject({ reason: "unavailable" })
    await expect(modules({})).rejects.toThrow(message)
  })
})
