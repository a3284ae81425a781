import { readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "./freePort.ts"
import { makeSource } from "./makeSource.ts"
import { residentBytes, ServerProcess } from "./serverProcess.ts"

const source = makeSource(
  `const { createServer } = require("node:http")
const { randomBytes } = require("node:crypto")
const chunks = {
  "/lines": Buffer.from(("x".repeat(99) + "\\n").repeat(1000)),
  "/long": Buffer.concat([Buffer.alloc(10_000_000, "y"), Buffer.from("\\n")]),
  "/binary": randomBytes(1_000_000),
  "/returns": Buffer.alloc(1_000_000, "\\r")
}
createServer(async ({ url }, response) => {
  const chunk = chunks[url]
  const total = url === "/lines" ? 1_000_000_000 : 100_000_000
  for (let written = 0; chunk !== undefined && written < total; written += chunk.length) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once("drain", resolve))
  }
  response.end("done")
}).listen(process.env.PORT)`
)

const sizeOf = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)

describe("a service that floods its logs", async () => {
  const server = new ServerProcess(await freePort())
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    source.remove()
  })

  it("leaves the server's memory flat and the log files bounded", { timeout: 15 * 60_000 }, async () => {
    await server.start()
    await server.client.deploy({ app: "flood", services: [{ name: "flood", source: source.folder, timeout: "1h" }] })
    const before = residentBytes(server.pid)
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, residentBytes(server.pid))
    }, 100)
    for (const path of ["/lines", "/long", "/binary", "/returns"]) {
      expect((await server.ask("flood--local.localhost", path)).body).toBe("done")
    }
    clearInterval(watch)
    console.log(`resident: ${Math.round(before / 1e6)} MB before, ${Math.round(most / 1e6)} MB at most`)
    expect(most - before).toBeLessThan(150e6)
    expect(sizeOf(join(server.dataDirectory, "logs"))).toBeLessThan(40e6)
    const lines = []
    for await (const entry of server.client.logs("flood", { tail: 10 })) lines.push(entry)
    expect(lines.length).toBeGreaterThan(0)
  })
})
