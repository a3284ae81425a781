import { assert, describe, expect, it } from "@effect/vitest"
import { answers, faultServer, hasMounts, makeApp, mountDisk, rejection, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe.skipIf(!hasMounts)("a read-only data folder", () => {
  it("is reported at the start, and the next start works", { timeout: 300_000 }, async () => {
    const server = await faultServer()
    const { remount } = mountDisk(server.dataDirectory, 800)
    await server.start()
    const app = makeApp()
    await server.client.deploy(app("1"))
    await server.end("SIGTERM")
    remount("ro")
    const words = await rejection(server.start())
    expect(words ?? "").toMatch(/read-only/)
    remount("rw")
    await server.start()
    const seconds = await secondsUntil(() => answers(server, "1"), 60)
    assert(seconds !== undefined)
    recordFault(import.meta.filename, {
      fault: "The data folder is mounted read-only at the start",
      seen: `“${/maxcloud: (.*read-only.*)/.exec(words ?? "")?.[1]}”`,
      recovery: "at the next start once it's writable",
      seconds: seconds ?? null
    })
  })
})
