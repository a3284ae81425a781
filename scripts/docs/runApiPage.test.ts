import { expect, it } from "@effect/vitest"
import { pageSetups } from "./pageSetups.ts"
import { runPage } from "./runPage.ts"

/** One page of `runPages.long.test.ts`, so that the default tests find a mistake in the API's examples or in the runner. */
it("every command of docs/api.md runs", { timeout: 240_000 }, async () => {
  const setup = pageSetups["docs/api.md"]
  if (setup === undefined) return expect.unreachable("the page has no setup")
  expect(await runPage("docs/api.md", setup)).toEqual([])
})
