import { describe, expect, it } from "@effect/vitest"
import { pageSetups } from "./pageSetups.ts"
import { runPage } from "./runPage.ts"

const only = process.env["MAXCLOUD_PAGE"]

describe("every command of a page runs", () => {
  for (const [page, setup] of Object.entries(pageSetups)) {
    if (only === undefined || only === page) {
      it(page, { timeout: 600_000 }, async () => {
        expect(await runPage(page, setup)).toEqual([])
      })
    }
  }
})
