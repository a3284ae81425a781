import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, expect, it } from "@effect/vitest"
import { answers, faultServer, makeApp, secondsUntil, setSecret } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

/** As when a laptop sleeps. */
const sleepMs = 60_000

describe.skipIf(process.platform !== "linux")("a server that sleeps for a minute", () => {
  it("continues as before", { timeout: 240_000 }, async () => {
    const server = await faultServer()
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("1"))
    const { id } = await server.client.deploy(app("2"), { detach: true })
    const postgres = server.postgresPid ?? 0
    const both = [server.pid, postgres]
    for (const pid of both) process.kill(pid, "SIGSTOP")
    await sleep(sleepMs)
    for (const pid of both) process.kill(pid, "SIGCONT")
    const seconds = await secondsUntil(() => answers(server, "2"), 60)
    assert(seconds !== undefined)
    expect((await server.client.waitFor(id)).status.state).toBe("succeeded")
    expect(await setSecret(server, "AFTER")).toBeUndefined()
    recordFault(import.meta.filename, {
      fault: "The machine sleeps for a minute during a deployment (SIGSTOP of server and database)",
      seen: "requests wait",
      recovery: "automatic: the deployment and the requests finish",
      seconds: seconds ?? null
    })
  })

  it("reports an unreachable database if only that is frozen", { timeout: 240_000 }, async () => {
    const server = await faultServer({ MAXCLOUD_STATEMENT_TIMEOUT: "5" })
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("1"))
    const { processesOfRun } = await import("../../../scripts/kills/strays.ts")
    const database = processesOfRun(server, "no marker").filter((each) => each.of === "database")
    for (const { pid } of database) process.kill(pid, "SIGSTOP")
    const begun = performance.now()
    const words = await setSecret(server, "MEANWHILE")
    const waited = Math.round((performance.now() - begun) / 100) / 10
    expect(await answers(server, "1"), "services need no database").toBe(true)
    expect(words ?? "").toMatch(/^503 /)
    for (const { pid } of database) process.kill(pid, "SIGCONT")
    const seconds = await secondsUntil(async () => (await setSecret(server, "AFTER")) === undefined, 60)
    assert(seconds !== undefined)
    recordFault(import.meta.filename, {
      fault: "The embedded database freezes (SIGSTOP)",
      seen: `calls of the API are answered after ${waited} s: “${words}”; services keep responding`,
      recovery: "automatic",
      seconds: seconds ?? null
    })
  })
})
