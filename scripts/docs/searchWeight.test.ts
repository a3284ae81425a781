import { describe, expect, it } from "@effect/vitest"
import { searchWeight } from "./searchWeight.ts"

describe("the site's search", () => {
  it("puts pages for users before decisions and internals, also where only the function's text arrives", () => {
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
