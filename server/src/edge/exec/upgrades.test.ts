import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:net"
import { afterEach, beforeEach, expect, it } from "@effect/vitest"
import { WebSocket } from "ws"
import { acceptUpgrade, upgradeListener, upgradeOf } from "./upgrades.ts"

const accepted: Array<WebSocket> = []
const server = createServer()
server.on(
  "upgrade",
  upgradeListener((request) => {
    const upgrade = upgradeOf(request)
    if (upgrade !== undefined) void acceptUpgrade(upgrade).then((socket) => accepted.push(socket))
  })
)
let port = 0

beforeEach(async () => {
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  port = typeof address === "object" && address !== null ? address.port : 0
})
afterEach(async () => {
  for (const socket of accepted.splice(0)) socket.terminate()
  await new Promise((resolve) => server.close(resolve))
})

it("answers a client's ping", async () => {
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  await once(client, "open")
  client.ping("are you there")
  const [data] = await once(client, "pong")
  expect(String(data)).toBe("are you there")
  client.terminate()
})

it("keeps its memory against a client that pings without reading", async () => {
  const client = connect(port, "127.0.0.1").pause()
  client.on("error", () => {})
  client.write(
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
  )
  // A ping of 125 bytes with a mask of zeros.
  const ping = Buffer.concat([Buffer.from([0x89, 0x80 | 125, 0, 0, 0, 0]), Buffer.alloc(125)])
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => ping))
  let most = 0
  for (let round = 0; round < 30; round++) {
    if (!client.write(pings)) await once(client, "drain")
    most = Math.max(most, accepted[0]?.bufferedAmount ?? 0)
  }
  expect(accepted).toHaveLength(1)
  expect(most).toBeLessThan(256 * 1024)
  client.destroy()
})
