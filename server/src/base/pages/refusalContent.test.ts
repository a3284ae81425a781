import { describe, expect, it } from "@effect/vitest"
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
  it("is a problem document unless the caller accepts HTML", () => {
    for (const accept of [undefined, "", "*/*", "application/json"]) {
      const { body, contentType } = refusalContent(problem, accept)
      expect(contentType).toBe(problemContentType)
      expect(JSON.parse(body)).toStrictEqual(problem)
    }
  })

  it("is a page for browsers, with its text escaped", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (title, detail) => {
        const { body, contentType } = refusalContent({ ...problem, title, detail }, "text/html,*/*")
        expect(contentType).toBe("text/html; charset=utf-8")
        const tags = body.match(/<\/?[^>]*>/g)
        expect(tags).toStrictEqual(
          refusalContent({ ...problem, title: "", detail: "" }, "text/html").body.match(/<\/?[^>]*>/g)
        )
      })
    )
    expect(refusalContent(problem, "text/html", { language: "de", heading: "404" }).body).toContain('<html lang="de">')
  })
})
