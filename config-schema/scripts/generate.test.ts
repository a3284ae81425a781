import { readFileSync } from "node:fs"
import { expect, it } from "@effect/vitest"
import { generated } from "./generate.ts"

it.each(Object.entries(generated()))("%s is up to date (npm run generate)", (path, content) => {
  expect(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8")).toBe(content)
})
