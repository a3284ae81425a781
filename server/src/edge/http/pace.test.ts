import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import { connect as connect2 } from "node:http2"
import { type AddressInfo, connect } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { testApi } from "../../../test/api/testApi.ts"
import { makeFront } from "../../base/proxy/makeFront.ts"
import { keepPace } from "./pace.ts"

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const portOf = (url: string) => Number(new URL(url).port)

/** Sends a head, then one byte at a time, until the other side closes; returns what arrived. */
const trickle = (port: number, head: string, everyMs: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(head))
    const timer = setInterval(() => socket.write("x"), everyMs)
    let text = ""
    socket.on("data", (chunk) => {
      text += chunk
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      clearInterval(timer)
      resolve(text)
    })
  })

const paced = async (listener: RequestListener) => {
  const server = createServer(listener)
  closers.push(keepPace(server, { graceSeconds: 1, bytesPerSecond: 1024 }))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  closers.push(
    () => server.closeAllConnections(),
    () => server.close()
  )
  return { server, port: (server.address() as AddressInfo).port }
}

describe("bodies that trickle", () => {
  it.scopedLive("are answered 408, for JSON and for snapshots", () =>
    Effect.gen(function* () {
      const read = { count: 0 }
      const { url } = yield* testApi({
        pace: { graceSeconds: 1 },
        sources: {
          put: (_, __, bytes) => Effect.ignore(Stream.runForEach(bytes, (_) => Effect.sync(() => read.count++)))
        }
      })
      const head = (line: string, type: string) =>
        `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: 100000\r\n\r\n{`
      const answers = yield* Effect.promise(() =>
        Promise.all([
          trickle(portOf(url), head("POST /api/v1/services", "application/json"), 200),
          trickle(portOf(url), head(`PUT /api/v1/sources/sha256:${"a".repeat(64)}`, "application/octet-stream"), 200)
        ])
      )
      for (const answer of answers) {
        expect(answer).toMatch(/^HTTP\/1\.1 408 /)
        expect(answer).toContain("application/problem+json")
        expect(answer).toContain("didn't arrive in time")
      }
      expect(read.count).toBeGreaterThan(0)
    })
  )

  it("are cut off after an early answer too", async () => {
    const { port } = await paced((_, response) => response.writeHead(401).end("no"))
    expect(await trickle(port, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n", 200)).toMatch(
      /^HTTP\/1\.1 401 /
    )
  })

  it("are answered 408 over HTTP/2", async () => {
    const { server } = await paced((request) => request.resume())
    const front = await makeFront({
      host: "127.0.0.1",
      port: 0,
      api: server,
      isApiHost: () => true,
      lookup: () => undefined
    })
    closers.push(() => front.close(0))
    const session = connect2(`http://127.0.0.1:${front.address.port}`)
    closers.push(() => session.destroy())
    const stream = session.request({ ":method": "POST", ":path": "/" }, { endStream: false })
    stream.on("error", () => {})
    const timer = setInterval(() => stream.write("x"), 200)
    const [answer] = await once(stream, "response")
    clearInterval(timer)
    expect(answer[":status"]).toBe(408)
  })

  it("are accepted if they keep the pace, or if this server reads them slowly", async () => {
    const { port } = await paced((request, response) => {
      setTimeout(() => request.resume().on("end", () => response.end("all")), 3_500)
    })
    const body = "x".repeat(1_000_000)
    const response = await fetch(`http://127.0.0.1:${port}`, { method: "POST", body })
    expect([response.status, await response.text()]).toEqual([200, "all"])
  })
})

describe("answers that nobody reads", () => {
  it("are cut off", async () => {
    const { port } = await paced((_, response) => response.end(Buffer.alloc(64 * 2 ** 20)))
    const socket = connect(port, "127.0.0.1", () => socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
    socket.on("error", () => {})
    socket.pause()
    const closed = once(socket, "close")
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    socket.resume()
    await closed
    expect(socket.bytesRead).toBeLessThan(32 * 2 ** 20)
  })
})
