import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "@effect/vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const page = readFileSync(join(root, "docs", "security.md"), "utf8")

it("names a file that exists for every promise of the security page", () => {
  const files = [...page.matchAll(/`([^`\s]+\.ts)`/g)].map((match) => match[1] ?? "")
  expect(files.length).toBeGreaterThan(40)
  expect(files.filter((file) => !existsSync(join(root, file)))).toStrictEqual([])
})

it("gives every promise a test", () => {
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (promise|mode|\*\*)/.test(line))
  expect(rows.length).toBeGreaterThan(30)
  expect(rows.filter((row) => !/\.test\.ts`[^|]*\|$/.test(row))).toStrictEqual([])
})
