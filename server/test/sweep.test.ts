import { execFileSync } from "node:child_process"
import { randomUUID } from "node:crypto"
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { makeMaxCloud } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { isRunning } from "../src/base/host/processIdentity.ts"
import { recordFault } from "./chaos/recordFault.ts"
import { freePort } from "./freePort.ts"
import { processesWith, ServerProcess } from "./serverProcess.ts"

const source = mkdtempSync(join(tmpdir(), "maxcloud-source-"))
chmodSync(source, 0o755)
writeFileSync(join(source, "package.json"), JSON.stringify({ name: "app", scripts: { start: "node server.js" } }))
// Uses its temporary folder and its home in each request, like programs that store uploads and caches there.
writeFileSync(
  join(source, "server.js"),
  `const { mkdtempSync, writeFileSync } = require("node:fs")
const { homedir, tmpdir } = require("node:os")
const { join } = require("node:path")
require("node:http").createServer((request, response) => {
  try {
    writeFileSync(join(mkdtempSync(join(tmpdir(), "upload-")), "file"), "")
    writeFileSync(join(homedir(), "cache"), "")
    console.log("served " + request.url)
    response.end(process.env.VERSION)
  } catch (error) {
    response.writeHead(500).end(error.message)
  }
}).listen(process.env.PORT)`
)

const host = "app--local.localhost"

describe.skipIf(process.platform !== "linux")("a server whose temporary folder is cleaned while it runs", () => {
  const canary = `canary-${randomUUID()}`
  let server: ServerProcess
  const app = (version: string, min: number) => ({
    app: "app",
    services: [{ name: "app", source, env: { VERSION: version, CANARY: canary }, scale: { min } }]
  })
  /** What systemd-tmpfiles and tmpreaper do with old files: remove everything. */
  const sweep = () => {
    for (const name of readdirSync(server.temporaryFolder))
      execFileSync("rm", ["-rf", join(server.temporaryFolder, name)])
  }
  /** Waits until the instance's folders exist again: they are checked every two seconds. */
  const served = async (version: string) => {
    for (const end = performance.now() + 15_000; ; ) {
      const { body, status } = await server.ask(host, `/${version}`)
      if (status === 200 || performance.now() > end) return expect([status, body]).toStrictEqual([200, version])
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  beforeAll(async () => {
    server = new ServerProcess(await freePort())
    await server.start()
    await server.client.deploy(app("1", 1))
  })
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    rmSync(source, { recursive: true, force: true })
  })

  it("keeps working: a running instance, logs, exec, a deployment, a restart and a start from zero", async () => {
    await served("1")
    const postgres = server.postgresPid
    sweep()
    await served("1")
    sweep()
    const exitCode = await Effect.gen(function* () {
      const cloud = yield* makeMaxCloud({ apiUrl: server.url })
      const command = ["sh", "-c", 'touch "$HOME/here" "$TMPDIR/there"']
      return yield* (yield* cloud.services.exec("app", command, { onOutput: () => {} })).exit
    }).pipe(Effect.scoped, Effect.runPromise)
    expect(exitCode).toBe(0)
    sweep()
    await server.client.deploy(app("2", 0))
    await served("2")
    sweep()
    const lines: Array<string> = []
    for await (const { line } of server.client.logs("app")) lines.push(line)
    expect(lines).toContain("served /1")
    expect(lines).toContain("served /2")
    sweep()
    await server.client.services.restart("app")
    await served("2")
    sweep()
    expect(server.postgresPid, "the database stores nothing there").toBe(postgres)

    // Killed, cleaned, and started again.
    await server.end("SIGKILL")
    sweep()
    await server.start()
    expect(server.postgresPid).toBe(postgres)
    await served("2")
    recordFault(import.meta.filename, {
      fault: "A cleaner empties the temporary folder (`/tmp`) while the server runs",
      seen: "nothing: requests, logs, exec, deployments, restarts and the database keep working",
      recovery: "automatic: missing files are recreated within seconds",
      seconds: null
    })
  }, 180_000)

  it("exits on its own without its data folder, and leaves no process", async () => {
    const postgres = server.postgresPid ?? 0
    expect(isRunning(postgres)).toBe(true)
    expect(processesWith(canary)).not.toHaveLength(0)
    const ended = server.ended()
    execFileSync("rm", ["-rf", server.dataDirectory])
    expect(await ended).toBe(1)
    expect(server.output).toContain("was removed or replaced while the server used it")
    expect(processesWith(canary)).toStrictEqual([])
    expect(isRunning(postgres)).toBe(false)
    recordFault(import.meta.filename, {
      fault: "The data folder is removed or replaced while the server runs",
      seen: "the server exits and says “… was removed or replaced while the server used it”",
      recovery: "restore a backup; no process is left behind",
      seconds: null
    })
  }, 120_000)
})
