import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { requestsIn } from "./checkSite.ts"
import { docsFolder } from "./sidebar.ts"
import { terminalPicture, withoutChance } from "./terminalPicture.ts"

describe("a picture of a terminal", () => {
  it("shows the last state of redrawn lines, with their colours", async () => {
    const picture = await terminalPicture(
      "A <title>",
      "pending\r\n\u001b[1A\u001b[2K\u001b[32mready\u001b[39m \u001b[1mnow\u001b[22m",
      40
    )
    expect(picture).not.toContain("pending")
    expect(picture).toMatch(/fill="#7ee2a8">ready</)
    expect(picture).toMatch(/font-weight="700">now</)
    expect(picture).toContain('<title id="title">A &lt;title&gt;</title>')
    expect(picture).toContain('<desc id="text">ready now</desc>')
  })

  it("is the same in every run, with fixed times, ids, ports and folders", () => {
    const written =
      "web 13.4s dep_01a2283aa1e27000bae240c1416d7b7f http://x:8123 on 21189, 14:01:59.123, /tmp/x/shop, 10s ago"
    expect(
      withoutChance(written, [
        ["/tmp/x/shop", "~/shop"],
        ["8123", "8080"]
      ])
    ).toBe("web 1.2s dep_0123456789abcdef0123456789abcdef http://x:8080 on 41234, 12:00:00, ~/shop, 1s ago")
  })

  it("exists for each terminal of the documentation, contains its text, and sends no requests", () => {
    const pictures = ["config-error", "deploy", "dev", "diagnosis", "plan"].map((name) => `pictures/${name}.svg`)
    for (const name of pictures) {
      const picture = readFileSync(join(docsFolder, name), "utf8")
      expect(picture, name).toMatch(/<title id="title">.+<\/title>\n<desc id="text">\$ npx maxcloud /)
      expect(requestsIn(picture), name).toStrictEqual([])
      expect(picture, name).not.toMatch(/\/tmp\/|root/)
    }
  })
})
