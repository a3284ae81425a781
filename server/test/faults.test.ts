import { randomUUID } from "node:crypto"
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import { DeploymentFailed } from "@maxcloud/sdk"
import { isRunning } from "../src/base/host/processIdentity.ts"
import { freePort } from "./freePort.ts"
import { groupsWith, processesWith, ServerProcess } from "./serverProcess.ts"

const source = mkdtempSync(join(tmpdir(), "maxcloud-source-"))
chmodSync(source, 0o755)
writeFileSync(join(source, "package.json"), JSON.stringify({ name: "app", scripts: { start: "node server.js" } }))
writeFileSync(
  join(source, "server.js"),
  `const { VERSION, PORT, FAULT } = process.env
if (FAULT === "crash") {
  console.error("no \\0database")
  process.exit(7)
}
const server = require("node:http").createServer((request, response) => {
  if (request.url === "/health" && FAULT === "never") return response.writeHead(500).end()
  if (request.url !== "/flow") return response.end(VERSION)
  setInterval(() => response.write("more"), 10)
})
setTimeout(() => server.listen(FAULT === "port" ? 0 : PORT), 300)
if (FAULT === "late") {
  setTimeout(() => {
    console.error("no build")
    process.exit(1)
  }, 800)
}
process.on("SIGTERM", () => process.exit(0))`
)

const host = "app--local.localhost"

// One server for all tests, in this order: each continues with the state after the previous kill.
describe.skipIf(process.platform !== "linux")("a server among faults", () => {
  const canary = `canary-${randomUUID()}`
  let server: ServerProcess
  const app = (version: string, fault = "") => ({
    app: "app",
    services: [
      {
        name: "app",
        source,
        env: { VERSION: version, CANARY: canary, FAULT: fault },
        scale: { min: 1 },
        probes: { startup: { path: "/health", period: "1s", failureThreshold: 2 } }
      }
    ]
  })
  beforeAll(async () => {
    server = new ServerProcess(await freePort())
    await server.start()
    await server.client.deploy(app("1"))
  })
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    rmSync(source, { recursive: true, force: true })
  })

  it("killed while requests are sent and held, responds when clients send them again", async () => {
    const postgres = server.postgresPid
    assert(postgres !== undefined)
    const flowing = await server.open(host, "/flow")
    await new Promise((resolve) => flowing.once("data", resolve))
    const cut = new Promise((resolve) => flowing.once("error", resolve))
    await server.end("SIGKILL")
    await cut

    await server.start()
    expect(server.postgresPid, "it takes over the running Postgres").toBe(postgres)
    // The instance takes longer to listen than the server to be killed, so the request is held.
    const held = server.ask(host).then(
      () => expect.unreachable("it was answered before the kill"),
      (error: Error) => error
    )
    expect((await fetch(`${server.url}/healthz`)).ok).toBe(true)
    await server.end("SIGKILL")
    await held

    await server.start()
    expect(server.postgresPid).toBe(postgres)
    expect(await server.ask(host)).toStrictEqual({ status: 200, body: "1" })
    expect(groupsWith(canary), "one instance, and none of earlier runs").toHaveLength(1)
  })

  it("killed right after accepting a deployment, carries it out", async () => {
    const { id } = await server.client.deploy(app("2"), { detach: true })
    await server.end("SIGKILL")
    await server.start()
    expect((await server.client.waitFor(id)).status.state).toBe("succeeded")
    expect(await server.ask(host)).toStrictEqual({ status: 200, body: "2" })
    expect(groupsWith(canary)).toHaveLength(1)
  })

  it.each([
    ["crash", "CrashOnStart", /exit code 7/],
    ["port", "WrongPort", /listens on port \d+/],
    ["late", "CrashOnStart", /exit code 1/],
    ["never", "ProbeFailing", /GET \/health .* returned 500/]
  ])(
    "says within seconds why a revision doesn't start (%s), whatever bytes it wrote, and the old one keeps serving",
    async (fault, reason, message) => {
      const began = Date.now()
      const error = await server.client.deploy(app("3", fault)).then(
        () => expect.unreachable("it succeeded"),
        (cause: unknown) => cause
      )
      // The deadline of a deployment is minutes away. A busy machine needs twice the usual 6 seconds.
      expect(Date.now() - began).toBeLessThan(30_000)
      assert(error instanceof DeploymentFailed)
      const [service] = error instanceof DeploymentFailed ? error.deployment.services : []
      expect(service?.state).toBe("failed")
      expect(service?.message ?? "").toMatch(message)
      expect((await server.client.services.revisions("app"))[0]?.reason).toBe(reason)
      if (fault === "crash") expect(service?.logTail.join("\n") ?? "").toContain("no \ufffddatabase")
      if (fault === "late") expect(service?.logTail.join("\n") ?? "").toContain("no build")
      expect(await server.ask(host)).toStrictEqual({ status: 200, body: "2" })
    }
  )

  it("stopped gracefully, leaves no process, no Postgres and no temporary file", async () => {
    const postgres = server.postgresPid
    await server.end("SIGTERM")
    expect(processesWith(canary)).toStrictEqual([])
    expect(server.postgresPid).toBeUndefined()
    expect(isRunning(postgres ?? 0)).toBe(false)
    expect(readdirSync(server.temporaryFolder)).toStrictEqual([])
    expect(readdirSync(join(server.dataDirectory, "instances"))).toStrictEqual([])
  })
})
