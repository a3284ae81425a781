import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import { generated } from "./generate.ts"

it.each(Object.entries(generated()))("%s is current: npm run generate", (path, content) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")).toBe(content)
})
