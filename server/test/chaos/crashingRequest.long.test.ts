import { describe, expect, it } from "@effect/vitest"
import { answers, faultServer, host, makeApp, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe("a request that crashes the program", () => {
  it("kills one instance once, which soon runs again", { timeout: 180_000 }, async () => {
    const server = await faultServer()
    await server.start()
    await server.client.deploy(makeApp()("1"))
    const { status } = await server.ask(host, "/crash")
    expect(status).toBe(502)
    const seconds = await secondsUntil(() => answers(server, "1"), 60)
    expect(seconds ?? Number.POSITIVE_INFINITY).toBeLessThan(10)
    recordFault(import.meta.filename, {
      fault: "A request crashes the program",
      seen: "that request gets a 502 and isn't sent again; others wait for the next instance",
      recovery: "automatic",
      seconds: seconds ?? null
    })
  })
})
