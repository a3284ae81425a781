import { createServer as createHttp } from "node:http"
import { createServer as createHttp2 } from "node:http2"
import { type AddressInfo, createServer, type Server } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { anyAnswer } from "./anyAnswer.ts"

const ends: Array<() => void> = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})
const listening = async (server: Server): Promise<number> => {
  ends.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}
const ask = (port: number, protocol: "http1" | "h2c" = "http1", settleMs = 0, timeoutMs = 2_000) =>
  anyAnswer({ address: "127.0.0.1", port, protocol, host: "web--local.localhost:8080", timeoutMs, settleMs })
/** Answers anything with these bytes. */
const bytes = (answer: Uint8Array) =>
  listening(
    createServer((socket) => {
      socket.on("error", () => {})
      socket.once("data", () => socket.write(answer))
      ends.push(() => socket.destroy())
    })
  )

describe("any answer", () => {
  it("is a success with any status, and the request names the service's host", async () => {
    const seen: Array<string> = []
    for (const status of [200, 302, 404, 401, 500, 503]) {
      const server = createHttp(({ headers, method, url }, response) => {
        seen.push(`${method} ${url} ${headers.host} ${headers["user-agent"]}`)
        response.writeHead(status).end("x")
      })
      expect(await ask(await listening(server))).toEqual({ said: "success" })
    }
    expect(new Set(seen)).toEqual(
      new Set(["HEAD /.well-known/maxcloud/alive web--local.localhost:8080 kube-probe/maxcloud"])
    )
  })

  it("may be something other than HTTP", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (answer) => {
        for (const protocol of ["http1", "h2c"] as const)
          expect(await ask(await bytes(answer), protocol)).toEqual({ said: "success" })
        for (const end of ends.splice(0)) end()
      }),
      { numRuns: 100 }
    )
  })

  it("arrives without a request from a server that only speaks HTTP/2", async () => {
    let requests = 0
    const server = createHttp2(() => requests++)
    server.on("session", (session) => void ends.push(() => session.destroy()))
    const port = await listening(server)
    expect(await ask(port, "h2c")).toEqual({ said: "success" })
    expect(requests).toBe(0)
  })

  it("lets the program finish its answer undisturbed", async () => {
    let ended: (error: string | undefined) => void = () => {}
    const how = new Promise<string | undefined>((resolve) => {
      ended = resolve
    })
    const port = await listening(
      createServer((socket) => {
        let code: string | undefined
        socket.on("error", (error: NodeJS.ErrnoException) => {
          code = error.code
        })
        socket.on("close", () => ended(code))
        socket.once("data", () => {
          socket.write("HTTP/1.1 404 Not Found\r\n\r\n")
          setTimeout(() => socket.end("x".repeat(10_000)), 100)
        })
      })
    )
    expect(await ask(port)).toEqual({ said: "success" })
    expect(await how).toBe(undefined)
  })

  it("is also a closed connection, unless a forwarder may have closed it", async () => {
    const port = await listening(createServer((socket) => socket.once("data", () => socket.destroy())))
    expect(await ask(port)).toEqual({ said: "success" })
    expect(await ask(port, "http1", 30)).toEqual({ said: "closed" })
  })

  it("doesn't come from a silent or missing program", async () => {
    const port = await listening(createServer((socket) => void ends.push(() => socket.destroy())))
    expect(await ask(port, "http1", 0, 100)).toEqual({ said: "nothing" })
    expect(await ask(port, "h2c", 0, 100)).toEqual({ said: "nothing" })
    const server = createServer()
    const closed = await listening(server)
    await new Promise((resolve) => server.close(resolve))
    expect(await ask(closed)).toEqual({ said: "refused" })
  })
})
