import { once } from "node:events"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, test } from "@effect/vitest"
import { Effect } from "effect"
import { WebSocket } from "ws"
import { makeFront } from "../../../base/proxy/makeFront.ts"
import { acceptUpgrade, upgradeOf } from "../../exec/upgrades.ts"
import { ApiServer } from "../ApiServer.ts"
import { EarlyRequests } from "./earlyRequests.ts"

const closers: Array<() => unknown> = []
afterEach(() => {
  for (const close of closers.splice(0)) close()
})

const echo: RequestListener = async (request, response) => {
  const chunks = await request.toArray()
  response.end(`${request.method} ${request.url} ${Buffer.concat(chunks)}`)
}

const listening = async () => {
  const early = new EarlyRequests()
  const server = createServer(early.guardedListener).listen(0, "127.0.0.1")
  await once(server, "listening")
  closers.push(
    () => server.closeAllConnections(),
    () => server.close()
  )
  /** Resolves when the next `count` requests have arrived. */
  const arrived = (count: number) =>
    new Promise<void>((resolve) => {
      let left = count
      server.on("request", () => {
        left -= 1
        if (left === 0) resolve()
      })
    })
  const serve = () => {
    server.off("request", early.guardedListener).on("request", echo)
    early.admit(echo)
  }
  return { early, server, arrived, serve, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe("requests that arrive before the API is ready", () => {
  test("wait, and are answered with their bodies once it is ready", async () => {
    const { arrived, serve, url } = await listening()
    const all = arrived(2)
    const answers = [fetch(`${url}/a`), fetch(`${url}/b`, { method: "POST", body: "x".repeat(100_000) })]
    await all
    serve()
    const [first, second] = await Promise.all(answers.map(async (answer) => (await answer).text()))
    expect(first).toBe("GET /a ")
    expect(second).toBe(`POST /b ${"x".repeat(100_000)}`)
  })

  test("are refused if they are probes or too many", async () => {
    const { arrived, url } = await listening()
    const probe = await fetch(`${url}/healthz`)
    expect(probe.status).toBe(503)
    expect(probe.headers.get("retry-after")).toBe("1")
    expect(await probe.json()).toMatchObject({
      code: "unavailable",
      detail: "The server is starting. Try again in a second."
    })

    const all = arrived(257)
    const stop = new AbortController()
    const answers = Array.from({ length: 257 }, () => fetch(`${url}/a`, { signal: stop.signal }).catch(() => undefined))
    const refused = await Promise.race(answers)
    expect(refused?.status).toBe(503)
    await all
    stop.abort()
    await Promise.all(answers)
  })

  test("are dropped when their senders disconnect", async () => {
    const { arrived, early, server, url } = await listening()
    const come = arrived(1)
    const stop = new AbortController()
    const gone = fetch(`${url}/a`, { signal: stop.signal }).catch(() => "gone")
    const closed = new Promise((resolve) =>
      server.once("request", (_request, response) => response.once("close", resolve))
    )
    await come
    stop.abort()
    expect(await gone).toBe("gone")
    await closed
    let handed = 0
    early.admit(() => {
      handed += 1
    })
    expect(handed).toBe(0)
  })

  test("are refused at once after the API has stopped", async () => {
    const { early, serve, server, url } = await listening()
    serve()
    server.off("request", echo).on("request", early.guardedListener)
    expect((await fetch(`${url}/a`)).status).toBe(503)
  })

  test("wait also if they are handshakes of WebSockets, and are refused like the others", async () => {
    const { early, server } = await Effect.runPromise(Effect.provide(ApiServer, ApiServer.layer))
    const front = await makeFront({
      host: "127.0.0.1",
      port: 0,
      lookup: () => undefined,
      isApiHost: () => true,
      api: server
    })
    closers.push(() => front.close(0))
    const connect = (path: string) => {
      const socket = new WebSocket(`ws://127.0.0.1:${front.address.port}${path}`, ["v1"])
      closers.push(() => socket.terminate())
      return socket.on("error", () => {})
    }
    const answered = async (socket: WebSocket) => {
      const [, answer] = await once(socket, "unexpected-response")
      return { status: answer.statusCode, retry: answer.headers["retry-after"] }
    }
    expect(await answered(connect("/healthz"))).toEqual({ status: 503, retry: "1" })

    const arrived = once(server, "upgrade")
    const held = connect("/a")
    const opened = once(held, "open")
    await arrived
    early.admit((request) => {
      const upgrade = upgradeOf(request)
      if (upgrade !== undefined) void acceptUpgrade(upgrade)
    })
    await opened
    // From now on the server is stopping.
    expect(await answered(connect("/a"))).toEqual({ status: 503, retry: "1" })
  })
})
