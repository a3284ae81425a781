import { once } from "node:events"
import { createServer } from "node:http"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { WebSocket, WebSocketServer } from "ws"
import { frontTo, http1Instance, rawExchange, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const fronts: Array<Front> = []
const front = async (...args: Parameters<typeof frontTo>): Promise<Front> => {
  const made = await frontTo(...args)
  fronts.push(made)
  return made
}
afterEach(async () => {
  for (const made of fronts.splice(0)) await made.close(0)
})

const echoing = async () => {
  const { port, server } = await http1Instance((_, response) => response.writeHead(426).end("upgrade, please"))
  const sockets = new WebSocketServer({ server, path: "/ws" })
  sockets.on("connection", (socket, request) => {
    socket.send(`hello ${request.headers["x-forwarded-host"]}`)
    socket.on("message", (data, binary) => socket.send(data, { binary }))
  })
  return { port, server }
}

const dial = (port: number, path = "/ws") =>
  new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: serviceHost } })

describe("upgrades", () => {
  it("joins a WebSocket with the instance, and holds the slot until it's closed", async () => {
    const { port } = await echoing()
    const route = new TestRoute([port])
    const { address, counters } = await front(route)
    const socket = dial(address.port)
    const [hello] = await once(socket, "message")
    expect(String(hello)).toBe(`hello ${serviceHost}`)
    expect([route.taken, route.released, counters.active]).toEqual([1, 0, 1])
    const large = Buffer.alloc(5 * 2 ** 20, 7)
    socket.send(large)
    const [back] = await once(socket, "message")
    expect(large.equals(back)).toBe(true)
    socket.close(4001, "done")
    const [code] = await once(socket, "close")
    expect(code).toBe(4001)
    await expect.poll(() => [route.released, counters.active, counters.byClass[1]]).toEqual([1, 0, 1])
  })

  it("closes the caller's socket with the instance's", async () => {
    const { port, server } = await echoing()
    const route = new TestRoute([port])
    const { address } = await front(route)
    const accepted = once(server, "connection")
    const socket = dial(address.port)
    await once(socket, "message")
    const [connection] = await accepted
    connection.destroy()
    expect((await once(socket, "close"))[0]).toBe(1006)
    await expect.poll(() => route.released).toBe(1)
  })

  it("forwards the instance's answer when it doesn't upgrade", async () => {
    const { port } = await echoing()
    const route = new TestRoute([port])
    const { address } = await front(route)
    const socket = dial(address.port, "/other")
    const [error] = await once(socket, "error")
    expect(error.message).toContain("400")
    await expect.poll(() => route.released).toBe(1)
  })

  it("tries another instance when one is gone", async () => {
    const { port } = await echoing()
    const gone = await http1Instance(() => {})
    await new Promise((resolve) => gone.server.close(resolve))
    const route = new TestRoute([gone.port, port])
    const { address } = await front(route)
    const socket = dial(address.port)
    await once(socket, "message")
    socket.terminate()
    await expect.poll(() => [route.failures, route.taken, route.released]).toEqual([1, 2, 2])
  })

  it("sends the API its upgrades, and explains an unknown host", async () => {
    const api = createServer()
    const sockets = new WebSocketServer({ server: api })
    sockets.on("connection", (socket) => socket.send("from the api"))
    const { address } = await front(undefined, api)
    const socket = new WebSocket(`ws://127.0.0.1:${address.port}/`, { headers: { host: "api.localhost" } })
    expect(String((await once(socket, "message"))[0])).toBe("from the api")
    socket.terminate()
    const [error] = await once(dial(address.port), "error")
    expect(error.message).toContain("404")
  })

  it("answers in HTTP/1.1 if an upgrade to HTTP/2 is offered", async () => {
    const { port } = await http1Instance((request, response) => response.end(`${request.url} plainly`))
    const { address } = await front(new TestRoute([port]))
    const offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    const text = await rawExchange(address.port, `GET /a HTTP/1.1\r\nHost: ${serviceHost}\r\n${offer}\r\n`, "plainly")
    expect(text).toMatch(/^HTTP\/1\.1 200/)
    expect(text).toContain("/a plainly")
  })

  it("answers in HTTP/1.1 if an upgrade comes with a body", async () => {
    const { port } = await http1Instance(async (request, response) => {
      let body = ""
      for await (const chunk of request) body += chunk
      response.end(`got ${body}`)
    })
    const { address } = await front(new TestRoute([port]))
    const text = await rawExchange(
      address.port,
      `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nhi`,
      "got hi"
    )
    expect(text).toMatch(/^HTTP\/1\.1 200/)
  })
})
