import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { metricsPage } from "./metricsPage.ts"

it("the reference of metrics is up to date (`npm run generate`)", () => {
  expect(readFileSync(join(import.meta.dirname, "../../../../docs/reference/metrics.md"), "utf8")).toBe(metricsPage())
})
