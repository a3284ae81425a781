import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { openerOf } from "./browser.ts"

describe("opening a page", () => {
  it("uses no shell on any system", () => {
    const url = "https://cloud.example.com/device?code=A&calc.exe"
    expect(openerOf(url, "win32", { SystemRoot: "D:\\Windows" })).toEqual([
      "D:\\Windows\\System32\\rundll32.exe",
      "url.dll,FileProtocolHandler",
      url
    ])
    expect(openerOf(url, "darwin", {})).toEqual(["/usr/bin/open", url])
    expect(openerOf(url, "linux", {})).toEqual(["xdg-open", url])
  })

  it("only opens web pages, whatever the server sends", () => {
    for (const url of [
      "file:///etc/passwd",
      "calc.exe",
      "--help",
      "javascript:alert(1)",
      "ms-settings:",
      "",
      "\\\\host\\share"
    ])
      expect(openerOf(url, "win32", {})).toBeUndefined()
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((generated) => `https://a/${generated}`)
        ),
        (url) => {
          const last = openerOf(url, "win32", {})?.at(-1)
          if (last !== undefined) expect(last).toMatch(/^https?:\/\/[^\s"<>]+$/)
        }
      ),
      { numRuns: 2_000 }
    )
  })
})
