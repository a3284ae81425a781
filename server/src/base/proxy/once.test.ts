import { createServer, type Socket } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { fieldBlock, flags, frame, frameTypes, onRequests } from "../../../test/proxy/rawHttp2.ts"
import {
  ask2,
  frontTo,
  http1Instance,
  rawExchange,
  rawInstance,
  serviceHost,
  TestRoute
} from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const frontOf = async (route: TestRoute): Promise<Front> => {
  const front = await frontTo(route)
  closers.push(() => front.close(0))
  return front
}

const methods = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "POST", "PATCH"] as const
const callers = ["HTTP/1.1", "HTTP/1.1 with a body", "HTTP/2", "upgrade"] as const

const request = (method: string, caller: (typeof callers)[number]): string => {
  const more =
    caller === "upgrade"
      ? "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
      : caller === "HTTP/1.1 with a body"
        ? "Connection: close\r\nContent-Length: 2\r\n\r\nhi"
        : "Connection: close\r\n\r\n"
  return `${method} / HTTP/1.1\r\nHost: ${serviceHost}\r\n${more}`
}

const statusOf = async (front: Front, method: string, caller: (typeof callers)[number]): Promise<number> => {
  if (caller === "HTTP/2") return (await ask2(front.address.port, { ":method": method })).status
  const text = await rawExchange(front.address.port, request(method, caller))
  return Number(/^HTTP\/1\.1 ([2-5]\d\d)/m.exec(text)?.[1])
}

/** How an instance dies once it has a request. */
const deaths: Readonly<Record<string, (socket: Socket) => void>> = {
  reset: (socket) => socket.resetAndDestroy(),
  end: (socket) => socket.end(),
  "part of a head": (socket) => socket.end("HTTP/1.1 200 OK\r\nX-A: "),
  "an informational answer": (socket) => socket.end("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n")
}

describe("a request that an instance may have begun", () => {
  it("is never sent a second time, whatever its method, its caller and the way the instance dies", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...methods),
        fc.constantFrom(...callers),
        fc.constantFrom(...Object.keys(deaths)),
        fc.boolean(),
        async (method, caller, death, warm) => {
          let requests = 0
          const die = deaths[death] ?? expect.fail()
          const port = await rawInstance(
            createServer((socket) => {
              socket.on("error", () => {})
              socket.on("data", (chunk) => {
                if (!chunk.includes("\r\n\r\n")) return
                // Some die on a reused connection.
                if (warm && requests === 0 && chunk.includes("/warm")) {
                  socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                  return
                }
                requests++
                die(socket)
              })
            })
          )
          const route = new TestRoute([port])
          const front = await frontOf(route)
          if (warm)
            await rawExchange(
              front.address.port,
              `GET /warm HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n\r\n`
            )
          const status = await statusOf(front, method, caller)
          expect([status, requests, front.counters.retries]).toEqual([502, 1, 0])
          expect(route.taken).toBe(route.released)
        }
      ),
      { numRuns: 120 }
    )
  }, 60_000)

  it("isn't either over HTTP/2, unless the instance says that it never began", async () => {
    const answers = {
      cancel: [frameTypes.rstStream, 8],
      "internal error": [frameTypes.rstStream, 2],
      refused: [frameTypes.rstStream, 7],
      "goaway at its stream": [frameTypes.goAway, 0],
      "goaway below its stream": [frameTypes.goAway, -1],
      "failing goaway below its stream": [frameTypes.goAway, -2]
    } as const
    for (const method of methods) {
      for (const [name, [type, code]] of Object.entries(answers)) {
        let requests = 0
        const port = await rawInstance(
          createServer((socket) => {
            socket.on("error", () => {})
            onRequests(socket, (stream) => {
              if (requests++ > 0) {
                const fields = fieldBlock([[":status", "200"]])
                socket.write(frame(frameTypes.headers, flags.endHeaders | flags.endStream, stream, fields))
                return
              }
              const payload = Buffer.alloc(8)
              if (type === frameTypes.goAway) {
                payload.writeUInt32BE(code < 0 ? stream - 1 : stream, 0)
                payload.writeUInt32BE(code === -2 ? 2 : 0, 4)
                socket.write(frame(type, 0, 0, payload))
                setTimeout(() => socket.destroy(), 50)
              } else {
                payload.writeUInt32BE(code, 0)
                socket.write(frame(type, 0, stream, payload.subarray(0, 4)))
              }
            })
          })
        )
        const front = await frontOf(new TestRoute([port], { protocol: "h2c" }))
        const status = await statusOf(front, method, "HTTP/1.1")
        const refused = name === "refused" || name.endsWith("below its stream")
        expect([status, requests], `${method} ${name}`).toEqual(refused ? [200, 2] : [502, 1])
      }
    }
  }, 60_000)
})

describe("kept-alive connections", () => {
  /** An instance that closes a connection `idleMs` after its last answer, without announcing it. */
  const impatient = async (idleMs: number) => {
    const seen: Array<string> = []
    const port = await rawInstance(
      createServer((socket) => {
        let timer: NodeJS.Timeout | undefined
        socket.on("error", () => {})
        socket.on("data", (chunk) => {
          clearTimeout(timer)
          seen.push(/^\S+ (\S+)/.exec(chunk.toString("latin1"))?.[1] ?? "")
          socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
          timer = setTimeout(() => socket.end(), idleMs)
        })
      })
    )
    return { port, seen }
  }

  it("lose no request to an instance that closes them when they're idle", async () => {
    const { port, seen } = await impatient(300)
    const front = await frontOf(new TestRoute([port]))
    const ask = (path: string, method: string, body: string) =>
      rawExchange(
        front.address.port,
        `${method} ${path} HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n${body}`
      )
    // Just before, at and after the instance closes the connection.
    const lines = Array.from({ length: 60 }, async (_, line) => {
      for (let n = 0; n < 4; n++) {
        const post = ask(`/${line}-${n}`, "POST", "Content-Length: 2\r\n\r\nhi")
        expect(await post).toMatch(/^HTTP\/1\.1 200 /)
        await new Promise((resolve) => setTimeout(resolve, 285 + line / 2))
      }
    })
    await Promise.all(lines)
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen.length).toBe(240)
  }, 30_000)

  it("are replaced, for every method, if an instance has closed them by the next request", async () => {
    const connections = new Set<Socket>()
    const { port, server } = await http1Instance((request, response) => response.end(`${request.method} `))
    server.on("connection", (socket) => connections.add(socket))
    closers.push(() => server.close())
    const front = await frontOf(new TestRoute([port]))
    for (const method of methods) {
      const ask = () => statusOf(front, method, "HTTP/1.1")
      expect(await ask()).toBe(200)
      // Both ends are in this process: this one is closed, and the front learns of it later.
      for (const socket of connections) socket.destroy()
      expect(await ask(), method).toBe(200)
    }
    expect(front.counters.byClass[5]).toBe(0)
  })

  it("are dropped before the time that an instance announces", async () => {
    const used = new Set<unknown>()
    const { port, server } = await http1Instance((request, response) => {
      used.add(request.socket)
      response.setHeader("Keep-Alive", "timeout=1")
      response.end()
    })
    closers.push(() => server.close())
    const front = await frontOf(new TestRoute([port]))
    for (let n = 0; n < 3; n++) await statusOf(front, "GET", "HTTP/1.1")
    expect(used.size).toBe(3)
  })
})
