import { expect, it } from "@effect/vitest"
import { pageSetups } from "./pageSetups.ts"
import { runPage } from "./runPage.ts"

/** One page of `runPages.long.test.ts`, so that a mistake of the API's examples, or of the runner, is found at once. */
it("every command of docs/api.md runs", { timeout: 240_000 }, async () => {
  const setup = pageSetups["docs/api.md"]
  if (setup === undefined) return expect.unreachable("the page has no setup")
  expect(await runPage("docs/api.md", setup)).toEqual([])
})
