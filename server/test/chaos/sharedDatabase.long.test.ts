import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, expect, it } from "@effect/vitest"
import { startPostgres } from "../replicas/startPostgres.ts"
import { afterwards, answers, faultServer, makeApp, rejection, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe("two servers with local services on one DATABASE_URL", () => {
  it("don't run at the same time, and the second takes over once the first is gone", { timeout: 180_000 }, async () => {
    const postgres = await startPostgres()
    afterwards(postgres.close)
    const environment = { ...postgres.environment, MAXCLOUD_MASTER_KEY: Buffer.alloc(32, 1).toString("base64") }
    const first = await faultServer(environment)
    const second = await faultServer(environment)
    const app = makeApp()
    await first.start()
    await first.client.deploy(app("1"))
    const words = await rejection(second.start())
    expect(words ?? "").toMatch(/Another max-cloud server uses this database/)
    expect(await answers(first, "1")).toBe(true)
    await first.end("SIGKILL")
    await sleep(100)
    await second.start()
    // The first server's sources are in its own folder, so the next deployment belongs to the second.
    await second.client.deploy(app("2"))
    const seconds = await secondsUntil(() => answers(second, "2"), 60)
    assert(seconds !== undefined)
    recordFault(import.meta.filename, {
      fault: "A second server is started on the same DATABASE_URL",
      seen: `it exits immediately: “${/Another max-cloud server uses[^\n]*/.exec(words ?? "")?.[0]}”`,
      recovery: "the first server keeps running; after it was killed, the second starts",
      seconds: null
    })
  })
})
