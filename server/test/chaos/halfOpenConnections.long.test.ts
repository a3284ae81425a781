import { once } from "node:events"
import { readdirSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { afterwards, faultServer, host, makeApp, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

const count = 200

describe.skipIf(process.platform !== "linux")("WebSockets closed by one side and kept open by the other", () => {
  it("are closed on both sides after a bounded time", { timeout: 180_000 }, async () => {
    const server = await faultServer()
    await server.start()
    await server.client.deploy(makeApp()("1"))
    const descriptors = () => readdirSync(`/proc/${server.pid}/fd`).length
    const before = descriptors()
    const sockets: Array<Socket> = []
    afterwards(() => {
      for (const socket of sockets) socket.destroy()
    })
    for (let n = 0; n < count; n++) {
      const socket = connect({ host: "127.0.0.1", port: server.port, allowHalfOpen: true })
      sockets.push(socket.on("error", () => {}))
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}:${server.port}\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n`)
      await once(socket, "data")
      socket.end()
    }
    expect(descriptors()).toBeGreaterThan(before + count)
    const seconds = await secondsUntil(async () => descriptors() < before + 10, 90)
    expect(seconds ?? Number.POSITIVE_INFINITY).toBeLessThan(60)
    recordFault(import.meta.filename, {
      fault: `${count} WebSockets are ended by one side and kept by the other`,
      seen: "nothing: new connections are accepted in the meantime",
      recovery: "automatic: the other side is closed 30 s after the first one",
      seconds: seconds ?? null
    })
  })
})
