import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { generated } from "./generate.ts"

it.each(Object.entries(generated()))("%s is current: npm run generate", (path, content) => {
  assert.strictEqual(readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"), content)
})
