import { randomBytes } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { makeSource } from "../makeSource.ts"
import { afterwards, faultServer, rejection } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

const mebi = 2 ** 20

describe("an upload that the server refuses while it is sent", () => {
  it("gets the reason, not a broken connection", { timeout: 240_000 }, async () => {
    const source = makeSource("")
    afterwards(source.remove)
    writeFileSync(join(source.folder, "padding.bin"), randomBytes(96 * mebi))
    // A low-water mark that no disk exceeds.
    const server = await faultServer({ MAXCLOUD_MIN_FREE_DISK: "1Ti" })
    await server.start()
    const words = await rejection(
      server.client.deploy({ app: "large", services: [{ name: "large", source: source.folder }] })
    )
    expect(words ?? "").toMatch(/free/)
    expect(words ?? "").not.toMatch(/ECONNRESET|EPIPE|network/)
    recordFault(import.meta.filename, {
      fault: "The server refuses a large upload while it is sent",
      seen: `“${words?.split("\n", 1)[0]}”`,
      recovery: "by the next deploy, after you follow the message",
      seconds: null
    })
  })
})
