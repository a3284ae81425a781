import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import { InsufficientStorage, Unavailable } from "@maxcloud/sdk/api"
import { recordFault } from "./chaos/recordFault.ts"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { ServerProcess } from "./serverProcess.ts"
import { mountSmallDisk, type SmallDisk } from "./smallDisk.ts"

const mebi = 2 ** 20
const host = "app--local.localhost"

// One server on one small disk for all tests, in this order. Most of its content is written at the server's start (a copy of
// Node, a database).
describe("a server whose disk fills up", () => {
  const source = makeSource(`require("node:http").createServer((request, response) => {
  console.log("asked for " + request.url + " " + "x".repeat(2_000))
  response.end("hello")
}).listen(process.env.PORT)`)
  const other = makeSource(
    `require("node:http").createServer((_, response) => response.end("other")).listen(process.env.PORT)`
  )
  const app = (name: string, folder: string) => ({ app: name, services: [{ name, source: folder, scale: { min: 1 } }] })
  let server: ServerProcess
  let mounted: SmallDisk | string

  beforeAll(async () => {
    server = new ServerProcess(await freePort(), { MAXCLOUD_MIN_FREE_DISK: "64Mi" })
    mounted = mountSmallDisk(server.dataDirectory, "size=700m,mode=0711")
    if (typeof mounted === "string") return
    await server.start()
    await server.client.deploy(app("app", source.folder))
  })
  afterAll(async () => {
    await server.end("SIGTERM")
    if (typeof mounted === "object") mounted.unmount()
    server.remove()
    source.remove()
    other.remove()
  })
  const disk = (skip: (why: string) => void) => {
    if (typeof mounted === "object") return mounted
    skip(mounted)
    throw new Error(mounted)
  }
  const failedChecks = async () => (await server.client.readiness()).filter((each) => !each.ok)
  const until = async (condition: () => Promise<boolean>) => {
    for (let i = 0; i < 300; i++) {
      if (await condition()) return
      await sleep(100)
    }
    expect.unreachable("it didn't come to that within 30 s")
  }
  const status = async (path: string) => (await fetch(`${server.url}${path}`)).status
  const lines = async () => {
    const found: Array<string> = []
    for await (const entry of server.client.logs("app", { tail: 1_000 })) found.push(entry.line)
    return found
  }

  it("is ready while there is space", async ({ skip }) => {
    disk(skip)
    expect(await failedChecks()).toStrictEqual([])
    expect(await status("/readyz")).toBe(200)
  })

  it("isn't ready below the limit, stays alive, and refuses uploads before the database suffers", async ({ skip }) => {
    disk(skip).fill(32 * mebi)
    await until(async () => (await failedChecks()).length > 0)
    const [check] = await failedChecks()
    expect(check?.name).toBe("disk")
    expect(check?.message ?? "").toMatch(
      /^The disk of the server's (data folder|database) has less than 64Mi free\. Free some space/
    )
    expect(check?.message ?? "").not.toContain(server.dataDirectory)
    expect(await status("/readyz")).toBe(503)
    expect(await status("/healthz")).toBe(200)

    const refused = await server.client.deploy(app("other", other.folder)).catch((error: unknown) => error)
    assert(refused instanceof InsufficientStorage)
    expect(refused.message).toMatch(/has less than 64Mi free\. Free some space on it, or lower MAXCLOUD_MIN_FREE_DISK/)
    // Small urgent writes still work.
    await server.client.secrets.set("app", "KEY", "value")
    expect((await server.client.services.list()).map((each) => [each.name, each.status.state])).toStrictEqual([
      ["app", "ready"]
    ])
  })

  it("drops log lines, keeps serving, and later says which lines are missing", async ({ skip }) => {
    const { empty } = disk(skip)
    for (let i = 0; i < 20; i++) expect((await server.ask(host, `/low/${i}`)).status).toBe(200)
    expect((await lines()).some((line) => line.startsWith("asked for /low/"))).toBe(false)
    empty()
    await until(async () => (await failedChecks()).length === 0)
    await until(async () => {
      await server.ask(host, "/after")
      const found = await lines()
      return (
        found.some((text) => text.startsWith("asked for /after")) &&
        found.some((value) => /^Dropped \d+ bytes: The disk of the server's .* has less than 64Mi free/.test(value))
      )
    })
    const deployed = await server.client.deploy(app("other", other.folder))
    expect(deployed.status.state).toBe("succeeded")
    recordFault(import.meta.filename, {
      fault: "The disk has less free than `MAXCLOUD_MIN_FREE_DISK`",
      seen: "`/readyz` is 503 and says so, uploads get 507, log lines are dropped; services, deletions and secrets keep working",
      recovery: "automatic once there is room; the log then says how much was dropped",
      seconds: null
    })
  })

  it("reports a full disk, not an unreachable database, if other programs fill it to the last byte", async ({
    skip
  }) => {
    const { empty, fill } = disk(skip)
    let refusal: unknown
    await until(async () => {
      fill(0)
      refusal = await server.client.secrets
        .set("app", "KEY", "x".repeat(60_000))
        .then(() => undefined)
        .catch((error: unknown) => error)
      return refusal !== undefined
    })
    assert(refusal instanceof Unavailable)
    expect(refusal.message).toMatch(/The disk of .* (is full|has less than 64Mi free)\. Free some space/)
    expect(await status("/healthz")).toBe(200)
    expect(await status("/readyz")).toBe(503)
    empty()
    await until(async () =>
      server.client.secrets.set("app", "KEY", "after").then(
        () => true,
        () => false
      )
    )
    await until(async () => (await failedChecks()).length === 0)
    expect((await server.ask(host)).body).toBe("hello")
    recordFault(import.meta.filename, {
      fault: "Other programs fill the disk to the last byte",
      seen: `writes get 503: “${refusal.message}”; services go on, and so does \`/healthz\``,
      recovery: "automatic once there is room",
      seconds: null
    })
  })
})
