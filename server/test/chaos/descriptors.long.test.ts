import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { assert, describe, expect, it } from "@effect/vitest"
import { afterwards, answers, faultServer, makeApp, secondsUntil, setSecret } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe.skipIf(process.platform !== "linux")("a server without free descriptors", () => {
  it("reports it, loses neither the database nor services, and recovers once some are free", {
    timeout: 240_000
  }, async () => {
    const server = await faultServer()
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("1"))
    const postgres = server.postgresPid
    const limit = readdirSync(`/proc/${server.pid}/fd`).length + 20
    execFileSync("prlimit", [`--pid=${server.pid}`, `--nofile=${limit}:`])
    const sockets: Array<Socket> = []
    afterwards(() => {
      for (const socket of sockets) socket.destroy()
    })
    for (let n = 0; n < limit + 50; n++) {
      sockets.push(connect({ host: "127.0.0.1", port: server.port }).on("error", () => {}))
    }
    await sleep(5_000)
    for (const socket of sockets.splice(0)) socket.destroy()
    execFileSync("prlimit", [`--pid=${server.pid}`, "--nofile=1024:"])
    const seconds = await secondsUntil(async () => (await setSecret(server, "AFTER")) === undefined, 60)
    assert(seconds !== undefined)
    expect(await answers(server, "1")).toBe(true)
    await server.client.deploy(app("2"))
    expect(server.postgresPid, "the database was not started again").toBe(postgres)
    expect(server.output).not.toMatch(/database has stopped/)
    recordFault(import.meta.filename, {
      fault: "All descriptors of the server are in use (`ulimit -n`)",
      seen: "new connections are closed or wait",
      recovery: "automatic once some are free; the database and the services keep running",
      seconds: seconds ?? null
    })
  })
})
