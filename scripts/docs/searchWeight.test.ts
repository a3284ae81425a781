import { describe, expect, it } from "@effect/vitest"
import { searchWeight } from "./searchWeight.ts"

describe("the site's search", () => {
  it("ranks pages for users above decisions and internals, even if only the function's text is available", () => {
    const sent: (page: string) => unknown = new Function(`return ${searchWeight}`)()
    for (const weight of [searchWeight, sent]) {
      expect(
        [
          "/api.html#inside-your-tests",
          "/reference/cli.html",
          "/decisions/0004-embedded-postgres.html",
          "/internals/"
        ].map(weight)
      ).toStrictEqual([1, 1, 0.3, 0.3])
    }
  })
})
