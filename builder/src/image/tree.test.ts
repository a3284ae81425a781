import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { readTree } from "./tree.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tree-"))
  mkdirSync(join(folder, "tree"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const root = () => join(folder, "tree")
const put = (path: string, content = "") => {
  mkdirSync(dirname(join(root(), path)), { recursive: true })
  writeFileSync(join(root(), path), content)
}
const link = (path: string, target: string) => {
  mkdirSync(dirname(join(root(), path)), { recursive: true })
  symlinkSync(target, join(root(), path))
}

describe("the tree of an image", () => {
  it("keeps links that stay in it, also broken ones", async () => {
    put("lib/a.js")
    link("bin/a", "../lib/a.js")
    link("bin/gone", "../lib/gone.js")
    link("here", ".")
    const all = await readTree(root())
    expect(all.filter(({ kind }) => kind === "link").map(({ path, target }) => [path, target])).toStrictEqual([
      ["bin/a", "../lib/a.js"],
      ["bin/gone", "../lib/gone.js"],
      ["here", "."]
    ])
  })

  it.each([
    ["an absolute path", "a", "/etc/passwd"],
    ["a folder above", "a", "../outside"],
    ["a folder above, from inside", "b/c/a", "../../../outside"],
    ["a folder above that doesn't exist", "a", "x/../../gone"]
  ])("refuses a link to %s", async (_, path, target) => {
    writeFileSync(join(folder, "outside"), "secret")
    link(path, target)
    await expect(readTree(root())).rejects.toThrow(
      `The link "${path}" in the built source points outside of it ("${target}")`
    )
  })

  it("refuses a link that leaves it through another link", async () => {
    writeFileSync(join(folder, "outside"), "secret")
    link("a/b/up", "../..")
    link("c", "a/b/up/../outside")
    await expect(readTree(root())).rejects.toThrow(/The link "c" .* points outside/)
  })

  it("refuses pipes and names that mean something else in an image", async () => {
    execFileSync("mkfifo", [join(root(), "pipe")])
    await expect(readTree(root())).rejects.toThrow(/"pipe" in the built source is a socket, a pipe or a device/)
    rmSync(join(root(), "pipe"))
    put("a/.wh.b")
    await expect(readTree(root())).rejects.toThrow(/"a\/\.wh\.b" .* delete files in an image/)
  })

  it("refuses names that aren't UTF-8, which would fall together", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${root()}/`), Buffer.from([0xff, 0x61])]), "")
    await expect(readTree(root())).rejects.toThrow(/isn't UTF-8. Rename the file/)
  })

  it("has bounds for the number and the size of its files", async () => {
    for (let at = 0; at < 20; at++) put(`f${at}`, "0123456789")
    await expect(readTree(root(), { limits: { entries: 19, bytes: 1_000 } })).rejects.toThrow(
      /more than 19 files and folders/
    )
    await expect(readTree(root(), { limits: { entries: 20, bytes: 199 } })).rejects.toThrow(/more than 0 MiB/)
    expect(await readTree(root(), { limits: { entries: 20, bytes: 200 } })).toHaveLength(20)
  })
})
