import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { connect as connect2 } from "node:http2"
import { connect } from "node:net"
import { setTimeout as realTimeout } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { frontTo, http1Instance, http2Instance, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"

const closers: Array<() => unknown> = []
// Node's own timers aren't those of the global object, so sockets and parsers keep running.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }))
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closers.splice(0)) await close()
})

type Protocol = "http1" | "h2c"

/** An instance that begins its answer at once, with `first`, and leaves it open. `stopped` counts the aborted answers. */
const openAnswer = async (protocol: Protocol, first: Buffer, timeoutMs: number) => {
  const seen = { begun: 0, cut: 0 }
  const port = await (async () => {
    if (protocol === "http1") {
      const { port, server } = await http1Instance((request, response) => {
        seen.begun++
        request.on("error", () => {}).resume()
        response.on("close", () => seen.cut++)
        response.write(first)
      })
      closers.push(() => server.close())
      return port
    }
    const { port, server } = await http2Instance((server) => {
      server.on("stream", (stream) => {
        seen.begun++
        stream.on("error", () => {}).on("close", () => seen.cut++)
        stream.resume()
        stream.respond({ ":status": 200 })
        stream.write(first)
      })
    })
    closers.push(() => server.close())
    return port
  })()
  const route = new TestRoute([port], { protocol, timeoutMs })
  const front = await frontTo(route)
  closers.push(() => front.close(0))
  return { front, route, seen }
}

/** Advances the clock second by second until `is`. Returns the seconds that took, at most `most`. */
const secondsUntil = async (is: () => boolean, most: number): Promise<number> => {
  for (let seconds = 0; seconds < most; seconds++) {
    if (is()) return seconds
    vi.advanceTimersByTime(1_000)
    await realTimeout(10)
  }
  return most
}

const more = Buffer.alloc(48 * 1024 * 1024)
const head = `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\n\r\n`

describe("a caller that doesn't read", () => {
  it.each([
    ["HTTP/1.1", "http1", 5_000, 30],
    ["HTTP/1.1", "http1", 45_000, 45],
    ["HTTP/1.1", "h2c", 5_000, 30],
    ["HTTP/2", "http1", 5_000, 30],
    ["HTTP/2", "h2c", 45_000, 45]
  ] as const)(
    "over %s, from an instance of %s with a timeout of %i ms, is dropped after %i s",
    async (caller, protocol, timeoutMs, seconds) => {
      const { front, route, seen } = await openAnswer(protocol, more, timeoutMs)
      if (caller === "HTTP/1.1") {
        const socket = connect(front.address.port, "127.0.0.1", () => socket.write(head))
        socket.on("error", () => {}).pause()
        closers.push(() => socket.destroy())
      } else {
        const session = connect2(`http://127.0.0.1:${front.address.port}`)
        closers.push(() => session.destroy())
        session.request({ ":authority": serviceHost, ":path": "/" }).on("error", () => {})
      }
      await vi.waitFor(() => expect(seen.begun).toBe(1))
      const passed = await secondsUntil(() => seen.cut > 0, seconds + 60)
      expect(passed).toBeGreaterThanOrEqual(seconds)
      expect(passed).toBeLessThan(seconds + 30)
      expect(front.counters).toMatchObject({ active: 0, aborted: 1, faults: 0 })
      expect([route.taken, route.released]).toEqual([1, 1])
    }
  )

  it("can continue if it reads in time", async () => {
    const { front, seen } = await openAnswer("http1", more, 5_000)
    const socket = connect(front.address.port, "127.0.0.1", () => socket.write(head))
    closers.push(() => socket.destroy())
    let bytes = 0
    socket
      .on("error", () => {})
      .on("data", (chunk) => {
        bytes += chunk.length
      })
    socket.pause()
    await vi.waitFor(() => expect(seen.begun).toBe(1))
    for (let turn = 0; turn < 20 && bytes < more.length; turn++) {
      await secondsUntil(() => false, 20)
      const before = bytes
      socket.resume()
      while (bytes < Math.min(before + 4 * 1024 * 1024, more.length)) await once(socket, "data")
      socket.pause()
    }
    expect(bytes).toBeGreaterThanOrEqual(more.length)
    expect([seen.cut, front.counters.aborted]).toEqual([0, 0])
  })
})

describe("a request's body that stalls after its answer has begun", () => {
  it.each([
    [5_000, 30],
    [45_000, 45]
  ])("over HTTP/1.1, with a timeout of %i ms, is dropped after %i s", async (timeoutMs, seconds) => {
    const { front, route, seen } = await openAnswer("http1", Buffer.from("begun"), timeoutMs)
    const request = httpRequest({
      port: front.address.port,
      method: "POST",
      headers: { host: serviceHost, "content-length": 10 }
    })
    closers.push(() => request.destroy())
    request.on("error", () => {}).write("12")
    const [response] = await once(request, "response")
    const closed = { yet: false }
    response
      .on("error", () => {})
      .on("close", () => {
        closed.yet = true
      })
    response.resume()
    // A byte now and then isn't a stall.
    expect(await secondsUntil(() => closed.yet, seconds - 5)).toBe(seconds - 5)
    request.write("3")
    await realTimeout(50)
    const passed = await secondsUntil(() => closed.yet, seconds + 60)
    expect(passed).toBeGreaterThanOrEqual(seconds - 1)
    expect(passed).toBeLessThan(seconds + 30)
    await vi.waitFor(() => expect(seen.cut).toBe(1))
    expect(front.counters).toMatchObject({ active: 0, aborted: 1, faults: 0 })
    expect([route.taken, route.released]).toEqual([1, 1])
  })

  it("is left alone over HTTP/2, as gRPC needs it", async () => {
    const { front, seen } = await openAnswer("h2c", Buffer.from("begun"), 5_000)
    const session = connect2(`http://127.0.0.1:${front.address.port}`)
    closers.push(() => session.destroy())
    const stream = session.request({ ":authority": serviceHost, ":path": "/", ":method": "POST" }, { endStream: false })
    stream.on("error", () => {}).resume()
    stream.write("12")
    await once(stream, "response")
    expect(await secondsUntil(() => stream.closed, 300)).toBe(300)
    expect([seen.cut, front.counters.active]).toEqual([0, 1])
  })
})

it("a quiet answer is left alone, if its caller would read it", async () => {
  const { front, seen } = await openAnswer("http1", Buffer.from("data: 1\n\n"), 5_000)
  const socket = connect(front.address.port, "127.0.0.1", () => socket.write(head))
  closers.push(() => socket.destroy())
  socket.on("error", () => {}).resume()
  await once(socket, "data")
  expect(await secondsUntil(() => seen.cut > 0, 300)).toBe(300)
  expect(front.counters.active).toBe(1)
})
