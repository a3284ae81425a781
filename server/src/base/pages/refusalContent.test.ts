import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { problemContentType, refusalContent } from "./refusalContent.ts"

const problem = {
  type: "about:blank",
  title: "Not <found>",
  status: 404,
  detail: 'No "service" & no host <script>',
  code: "unknown_host",
  instance: "/",
  requestId: "one"
}

describe("a refusal to a service's caller", () => {
  it("is a problem document unless the caller takes HTML", () => {
    for (const accept of [undefined, "", "*/*", "application/json"]) {
      const { body, contentType } = refusalContent(problem, accept)
      assert.strictEqual(contentType, problemContentType)
      assert.deepEqual(JSON.parse(body), problem)
    }
  })

  it("is a page for browsers, with its text escaped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (title, detail) => {
        const { body, contentType } = refusalContent({ ...problem, title, detail }, "text/html,*/*")
        assert.strictEqual(contentType, "text/html; charset=utf-8")
        const tags = body.match(/<\/?[^>]*>/g)
        assert.deepEqual(
          tags,
          refusalContent({ ...problem, title: "", detail: "" }, "text/html").body.match(/<\/?[^>]*>/g)
        )
      })
    )
    assert.include(refusalContent(problem, "text/html", { language: "de", heading: "404" }).body, '<html lang="de">')
  })
})
