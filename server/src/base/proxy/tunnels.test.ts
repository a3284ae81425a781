import { once } from "node:events"
import { readFileSync } from "node:fs"
import { createServer as createApi } from "node:http"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { setTimeout as realTimeout } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { rawExchange, rawInstance, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import { makeFront } from "./makeFront.ts"
import { tunnelLimits } from "./tunnel.ts"

const closers: Array<() => unknown> = []
// Node's own timers aren't those of the global object, so sockets keep running.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] }))
afterEach(async () => {
  vi.useRealTimers()
  for (const close of closers.splice(0)) await close()
})

const handshake = `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
const switching = "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

/** Both ends of a tunnel. Neither closes just because the other side did. */
const openTunnel = async (idleSeconds: number) => {
  const accepted = Promise.withResolvers<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {})
    socket.once("data", () => {
      socket.write(switching)
      accepted.resolve(socket)
    })
  })
  closers.push(() => server.close())
  const route = new TestRoute([await rawInstance(server)])
  const front = await makeFront({
    host: "127.0.0.1",
    port: 0,
    lookup: () => route,
    isApiHost: () => false,
    api: createApi(),
    tunnels: tunnelLimits(idleSeconds)
  })
  closers.push(() => front.close(0))
  const caller = connect({ port: front.address.port, host: "127.0.0.1", allowHalfOpen: true })
  closers.push(() => caller.destroy())
  caller.on("error", () => {})
  caller.write(handshake)
  await once(caller, "data")
  const instance = await accepted.promise
  closers.push(() => instance.destroy())
  return { caller, instance, front, route }
}

const closedOf = (socket: Socket) => {
  const seen = { end: false, text: "" }
  socket.on("data", (chunk) => {
    seen.text += chunk
  })
  socket.on("end", () => {
    seen.end = true
  })
  return seen
}

/** Advances the clock second by second until `is`. Returns the seconds that took, at most `most`. */
const secondsUntil = async (is: () => boolean, most: number): Promise<number> => {
  for (let seconds = 0; seconds < most; seconds++) {
    await realTimeout(5)
    if (is()) return seconds
    vi.advanceTimersByTime(1_000)
  }
  return most
}

describe("a tunnel", () => {
  it.each(["caller", "instance"] as const)(
    "passes on the end of %s, and gives the other side half a minute",
    async (first) => {
      const tunnel = await openTunnel(3_600)
      const { front, route } = tunnel
      const other = first === "caller" ? tunnel.instance : tunnel.caller
      const seen = closedOf(other)
      tunnel[first].end("last words")
      await vi.waitFor(() => expect(seen).toEqual({ end: true, text: "last words" }))
      // Data from the other side still arrives.
      const back = closedOf(tunnel[first])
      other.write("an answer")
      await vi.waitFor(() => expect(back.text).toBe("an answer"))
      expect([route.released, front.counters.active]).toEqual([0, 1])
      // More data doesn't extend the time.
      const passed = await secondsUntil(() => {
        if (!other.destroyed) other.write(".")
        return front.counters.active === 0
      }, 90)
      expect(passed).toBeGreaterThanOrEqual(29)
      expect(passed).toBeLessThan(40)
      expect([route.taken, route.released, front.counters.faults]).toEqual([1, 1, 0])
    }
  )

  it.each(["caller", "instance"] as const)("whose %s is reset closes at once", async (first) => {
    const tunnel = await openTunnel(3_600)
    const other = first === "caller" ? tunnel.instance : tunnel.caller
    const seen = closedOf(other)
    tunnel[first].resetAndDestroy()
    await vi.waitFor(() => expect(seen.end || other.destroyed).toBe(true))
    other.end()
    await vi.waitFor(() => expect([tunnel.route.released, tunnel.front.counters.active]).toEqual([1, 0]))
  })

  it("closes after the idle time without any data, and not before", async () => {
    const { caller, front, instance, route } = await openTunnel(60)
    caller.resume()
    instance.resume()
    expect(await secondsUntil(() => front.counters.active === 0, 50)).toBe(50)
    // Data in either direction restarts the idle time.
    instance.write("ping")
    await once(caller, "data")
    expect(await secondsUntil(() => front.counters.active === 0, 50)).toBe(50)
    caller.write("pong")
    await once(instance, "data")
    expect(await secondsUntil(() => front.counters.active === 0, 50)).toBe(50)
    expect(await secondsUntil(() => front.counters.active === 0, 30)).toBeLessThan(30)
    expect([route.taken, route.released]).toEqual([1, 1])
  })

  it("stays open without an idle time", async () => {
    const { front } = await openTunnel(0)
    expect(await secondsUntil(() => front.counters.active === 0, 120)).toBe(120)
  })

  it("keeps no connection after hundreds of callers that closed it, each in its own way", async () => {
    const { front, route } = await openTunnel(3_600)
    vi.useRealTimers()
    let open = 0
    const server = createServer((socket) => {
      open++
      socket.on("error", () => {})
      socket.on("close", () => open--)
      socket.once("data", () => socket.write(switching))
    })
    closers.push(() => server.close())
    route.ports = [await rawInstance(server)]
    const before = route.taken
    for (let n = 0; n < 200; n++) {
      const socket = connect({ port: front.address.port, host: "127.0.0.1" })
      socket.on("error", () => {})
      socket.write(handshake)
      await once(socket, "data")
      if (n % 3 === 0) socket.end()
      else if (n % 3 === 1) socket.resetAndDestroy()
      else socket.destroy()
    }
    await expect
      .poll(() => [route.taken - before, route.released, open, front.counters.active])
      .toEqual([200, 200, 0, 1])
  })

  // `timer_active` of /proc/net/tcp: 2 is keepalive.
  it.skipIf(process.platform !== "linux")("is probed by TCP on both sides", async () => {
    const { caller, front, instance } = await openTunnel(3_600)
    const probed = (local: number, remote: number) => {
      const port = (each: number) => each.toString(16).toUpperCase().padStart(4, "0")
      const line = readFileSync("/proc/net/tcp", "utf8")
        .split("\n")
        .find((line) => new RegExp(`: \\w+:${port(local)} \\w+:${port(remote)} 01 `).test(line))
      return line?.trim().split(/\s+/)[5]?.startsWith("02:")
    }
    const localOf = (socket: Socket) => (socket.address() as AddressInfo).port
    expect(probed(front.address.port, localOf(caller))).toBe(true)
    expect(probed(instance.remotePort ?? 0, localOf(instance))).toBe(true)
  })
})

describe("an upgrade", () => {
  const answering = async (answer: string) => {
    const server = createServer((socket) => {
      socket.on("error", () => {})
      socket.on("data", () => socket.write(answer))
    })
    closers.push(() => server.close())
    const route = new TestRoute([await rawInstance(server)])
    const front = await makeFront({
      host: "127.0.0.1",
      port: 0,
      lookup: () => route,
      isApiHost: () => false,
      api: createApi()
    })
    closers.push(() => front.close(0))
    return { front, route }
  }

  it.each([
    ["another protocol", "Connection: Upgrade\r\nUpgrade: foo\r\n"],
    ["one more protocol", "Connection: Upgrade\r\nUpgrade: websocket, foo\r\n"],
    ["no protocol", "Connection: Upgrade\r\n"],
    ["no connection option", "Upgrade: websocket\r\n"]
  ])("whose answer switches to %s is a 502, and no tunnel", async (_, fields) => {
    const { front, route } = await answering(`HTTP/1.1 101 Go\r\n${fields}\r\nhello`)
    const text = await rawExchange(front.address.port, handshake)
    expect(text).toMatch(/^HTTP\/1\.1 502 /)
    expect(text).not.toContain("hello")
    expect([route.taken, route.released, front.counters.active]).toEqual([1, 1, 0])
  })

  it.each([
    ["websocket", "keep-alive, Upgrade", "WebSocket"],
    ["foo/2, websocket", "upgrade", "foo/2"]
  ])("that offers %s forwards an answer with %s: %s", async (offered, connection, chosen) => {
    const { front } = await answering(`HTTP/1.1 101 Go\r\nConnection: ${connection}\r\nUpgrade: ${chosen}\r\n\r\nhello`)
    const text = await rawExchange(front.address.port, handshake.replace("websocket", offered), "hello")
    expect(text).toContain(`HTTP/1.1 101 Go\r\nConnection: ${connection}\r\nUpgrade: ${chosen}\r\n\r\nhello`)
  })

  it("gives up its place if its caller leaves while it waits for an instance", async () => {
    const { front, route } = await answering("")
    let signal: AbortSignal | undefined
    route.acquire = (given) => {
      signal = given
      return new Promise((_, reject) => given.addEventListener("abort", () => reject(given.reason)))
    }
    const caller = connect(front.address.port, "127.0.0.1", () => caller.write(handshake))
    await vi.waitFor(() => expect(front.counters.held).toBe(1))
    caller.end()
    await vi.waitFor(() => expect([signal?.aborted, front.counters.held, front.counters.active]).toEqual([true, 0, 0]))
  })

  it("sends the instance what its caller sent early", async () => {
    const { front, route } = await answering("")
    const server = createServer((socket) => {
      socket.on("error", () => {})
      socket.once("data", () => {
        socket.write(switching)
        socket.on("data", (chunk) => socket.end(`got ${chunk}`))
      })
    })
    closers.push(() => server.close())
    const port = await rawInstance(server)
    const place = Promise.withResolvers<void>()
    route.acquire = () => place.promise.then(() => route.lease(port))
    const answer = rawExchange(front.address.port, `${handshake}early`)
    await vi.waitFor(() => expect(front.counters.held).toBe(1))
    place.resolve()
    expect(await answer).toContain("got early")
  })
})
