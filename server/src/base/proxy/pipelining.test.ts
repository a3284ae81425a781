import { createServer } from "node:http"
import { connect } from "node:net"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import { frontTo, http1Instance, rawExchange, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import { InTurn } from "./inTurn.ts"
import type { Front } from "./makeFront.ts"

const fronts: Array<Front> = []
const front = async (...args: Parameters<typeof frontTo>): Promise<Front> => {
  const made = await frontTo(...args)
  fronts.push(made)
  return made
}
afterEach(async () => {
  vi.restoreAllMocks()
  for (const made of fronts.splice(0)) await made.close(0)
})

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: ${serviceHost}\r\n${more}\r\n`

describe("pipelined requests", () => {
  it("on one connection are answered in order", async () => {
    let underWay = 0
    let most = 0
    const { port } = await http1Instance((request, response) => {
      underWay++
      most = Math.max(most, underWay)
      setTimeout(
        () => {
          underWay--
          response.end(`<${request.url}>`)
        },
        request.url === "/0" ? 20 : 1
      )
    })
    const { address } = await front(new TestRoute([port]))
    const paths = Array.from({ length: 60 }, (_, i) => `/${i}`)
    const text = await rawExchange(
      address.port,
      paths.map((path) => get(path, path === "/59" ? "Connection: close\r\n" : "")).join("")
    )
    expect([...text.matchAll(/<(\/\d+)>/g)].map(([, path]) => path)).toEqual(paths)
    expect(most).toBe(1)
  })

  it("are answered even if they have bodies, and wait for the API", async () => {
    const api = createServer((request, response) => {
      let bytes = 0
      request.on("data", (chunk: Buffer) => {
        bytes += chunk.length
      })
      request.on("end", () => response.end(`<${bytes}>`))
    })
    const { address } = await front(undefined, api)
    const post = (bytes: number, more = "") =>
      `POST / HTTP/1.1\r\nHost: api.localhost\r\n${more}Content-Length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`
    const sizes = Array.from({ length: 40 }, (_, i) => 1 + i * 1_000)
    const text = await rawExchange(
      address.port,
      sizes.map((bytes) => post(bytes, bytes === 39_001 ? "Connection: close\r\n" : "")).join("")
    )
    expect([...text.matchAll(/<(\d+)>/g)].map(([, bytes]) => Number(bytes))).toEqual(sizes)
  })

  it("aren't read any further while many wait, and block nobody after their caller leaves", async () => {
    const taken = vi.spyOn(InTurn.prototype, "take")
    const { port } = await http1Instance((_, response) => response.end("x".repeat(300)))
    const { address } = await front(new TestRoute([port]))
    // Answers that nobody reads. Node would keep reading requests meanwhile.
    const socket = connect(address.port, "127.0.0.1").pause()
    const batch = Array.from({ length: 1_000 }, (_, i) => get(`/${i}`)).join("")
    let sent = 0
    const flowing = () => {
      while (sent++ < 100) if (!socket.write(batch)) return
    }
    socket.on("drain", flowing)
    flowing()
    let before = -1
    await expect
      .poll(
        () => {
          const still = taken.mock.calls.length === before && before > 0
          before = taken.mock.calls.length
          return still
        },
        { interval: 300, timeout: 20_000 }
      )
      .toBe(true)
    // A chunk of a connection is read at once, and its requests wait.
    expect(before).toBeLessThan(50_000)
    const waited = monitorEventLoopDelay()
    waited.enable()
    socket.destroy()
    await expect
      .poll(async () => (await rawExchange(address.port, get("/", "Connection: close\r\n"))).length)
      .toBeGreaterThan(300)
    expect(waited.max / 1e6).toBeLessThan(1_000)
  }, 40_000)

  it("aren't started if their caller has left", async () => {
    const begun: Array<string | undefined> = []
    const first = Promise.withResolvers<void>()
    const { port } = await http1Instance((request) => {
      begun.push(request.url)
      first.resolve()
    })
    const route = new TestRoute([port])
    const { address } = await front(route)
    const socket = connect(address.port, "127.0.0.1")
    socket.write(Array.from({ length: 10 }, (_, i) => get(`/${i}`)).join(""))
    await first.promise
    socket.resetAndDestroy()
    await expect.poll(() => route.released, { timeout: 10_000 }).toBe(1)
    expect([begun, route.taken]).toEqual([["/0"], 1])
  })
})
