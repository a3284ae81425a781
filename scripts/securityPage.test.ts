import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "@effect/vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const page = readFileSync(join(root, "docs", "security.md"), "utf8")

it("names an existing file for every promise of the security page", () => {
  const files = [...page.matchAll(/`([^`\s]+\.ts)`/g)].map((match) => match[1] ?? "")
  expect(files.length).toBeGreaterThan(40)
  expect(files.filter((file) => !existsSync(join(root, file)))).toStrictEqual([])
})

it("names a test for every promise", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (promise|mode|\*\*)/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((row) => !/\.test\.ts`[^|]*\|$/.test(row))).toStrictEqual([])
})
