import { createServer as createHttp } from "node:http"
import { createServer as createHttp2 } from "node:http2"
import { createServer } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
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

const large = 60 * 1024
const fieldsOf = (count: number): Array<[string, string]> =>
  Array.from({ length: count }, (_, i) => [`x-${i}`, "v".repeat(Math.trunc(large / count) - `x-${i}: \r\n`.length - 4)])
const bytesOf = (fields: Record<string, unknown>) =>
  Object.entries(fields).reduce(
    (sum, [name, value]) => sum + (name.startsWith("x-") ? name.length + String(value).length + 4 : 0),
    0
  )

type Answer = (fields: Record<string, unknown>) => Record<string, string>

const http1Echo = async (answer: Answer) => {
  const server = createHttp({ maxHeaderSize: 128 * 1024 }, (request, response) => {
    request.resume()
    response.writeHead(200, answer(request.headers)).end("ok")
  })
  server.maxHeadersCount = 0
  server.on("upgrade", (request, socket) => {
    const fields = Object.entries(answer(request.headers)).map(([name, value]) => `${name}: ${value}\r\n`)
    socket.end(`HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${fields.join("")}\r\n`)
  })
  return { port: await rawInstance(server), server }
}

const http2Echo = async (answer: Answer) => {
  const server = createHttp2({
    maxHeaderListPairs: 2_000,
    maxSendHeaderBlockLength: 2 ** 20,
    settings: { maxHeaderListSize: 2 ** 20 }
  })
  server.on("stream", (stream, headers) => {
    stream.respond({ ":status": 200, ...answer(headers) })
    stream.end("ok")
  })
  return { port: await rawInstance(server), server }
}

/** An instance that answers with as many fields as requested, and with the number of bytes that arrived. */
const frontToEcho = async (protocol: "http1" | "h2c"): Promise<Front> => {
  const answer: Answer = (fields) => {
    const sent = Object.fromEntries(
      Object.entries(fields)
        .filter(([name]) => /^x-\d+$/.test(name))
        .map(([name, value]) => [name, String(value)])
    )
    return { ...(fields["x-echo"] === "1" ? sent : {}), "x-came": String(bytesOf(sent)) }
  }
  const { port, server } = protocol === "h2c" ? await http2Echo(answer) : await http1Echo(answer)
  closers.push(() => server.close())
  const front = await frontTo(new TestRoute([port], { protocol }))
  closers.push(() => front.close(0))
  return front
}

const callers = ["GET", "POST", "DELETE", "upgrade", "HTTP/2"] as const

const ask = async (
  front: Front,
  caller: (typeof callers)[number],
  fields: ReadonlyArray<readonly [string, string]>
): Promise<{ readonly status: number; readonly came: number; readonly back: number }> => {
  if (caller === "HTTP/2") {
    const { headers, status } = await ask2(front.address.port, Object.fromEntries(fields))
    return { status, came: Number(headers["x-came"]), back: bytesOf(headers) }
  }
  const method = caller === "upgrade" ? "GET" : caller
  const more = caller === "upgrade" ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : "Connection: close\r\n"
  const text = await rawExchange(
    front.address.port,
    `${method} / HTTP/1.1\r\nHost: ${serviceHost}\r\n${more}${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
  )
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(text) ?? []
  const headers = Object.fromEntries(
    text
      .split("\r\n\r\n")[0]
      ?.split("\r\n")
      .slice(1)
      .map((line) => line.toLowerCase().split(": ")) ?? []
  )
  return { status: Number(status), came: Number(headers["x-came"]), back: bytesOf(headers) }
}

describe("heads of 60 KiB", () => {
  it.each(
    (["http1", "h2c"] as const).flatMap((protocol) =>
      callers
        .filter((caller) => protocol === "http1" || caller !== "upgrade")
        .flatMap((caller) => [1, 900].map((count) => [caller, protocol, count] as const))
    )
  )("pass both ways: %s, instance of %s, %i fields", async (caller, protocol, count) => {
    const front = await frontToEcho(protocol)
    const fields = fieldsOf(count)
    const sent = bytesOf(Object.fromEntries(fields))
    expect(sent).toBeGreaterThan(large - 20 * count)
    const seen = await ask(front, caller, [...fields, ["x-echo", "1"]])
    expect(seen.status).toBe(caller === "upgrade" ? 101 : 200)
    expect(seen.came).toBe(sent)
    expect(seen.back).toBeGreaterThanOrEqual(sent)
  })

  it("are refused with a reason above that, and reach no instance", async () => {
    const route = new TestRoute([1])
    const front = await frontTo(route)
    closers.push(() => front.close(0))
    const text = await rawExchange(
      front.address.port,
      `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`
    )
    expect(text).toMatch(/^HTTP\/1\.1 431 /)
    expect(text).toContain("64 KiB")
    expect(route.taken).toBe(0)
  })

  it("keep their last field however many there are", async () => {
    const front = await frontToEcho("http1")
    const tiny: Array<[string, string]> = Array.from({ length: 5_000 }, () => ["y", "1"])
    const seen = await ask(front, "GET", [...tiny, ["x-1", "last"]])
    expect([seen.status, seen.came]).toEqual([200, "x-1: last".length + 2])
  })
})

describe("targets", () => {
  /** An instance that answers with each request line that reaches it, and its host. */
  const frontToLines = async () => {
    const { port, server } = await http1Instance((request, response) => {
      request.resume()
      response.end(`[${request.method} ${request.url} ${request.headers.host}]`)
    })
    closers.push(() => server.close())
    const front = await frontTo(new TestRoute([port]))
    closers.push(() => front.close(0))
    return front
  }

  it.each([
    ["OPTIONS * HTTP/1.1", "OPTIONS *"],
    [`OPTIONS http://${serviceHost} HTTP/1.1`, "OPTIONS *"],
    [`OPTIONS http://${serviceHost}/ HTTP/1.1`, "OPTIONS /"],
    [`GET http://${serviceHost} HTTP/1.1`, "GET /"],
    [`POST http://${serviceHost}/a?b HTTP/1.1`, "POST /a?b"],
    [`DELETE HTTP://${serviceHost}?b HTTP/1.1`, "DELETE /?b"],
    [`GET http://${serviceHost}/a HTTP/1.0`, "GET /a"]
  ])("%s reaches the instance as %s", async (line, expected) => {
    const { address } = await frontToLines()
    const text = await rawExchange(address.port, `${line}\r\nHost: ${serviceHost}\r\nConnection: close\r\n\r\n`)
    expect(text).toMatch(/^HTTP\/1\.1 200 /)
    expect(text).toContain(`[${expected} ${serviceHost}]`)
  })

  it("without a Host are accepted from HTTP/1.0 in absolute form", async () => {
    const { address } = await frontToLines()
    const text = await rawExchange(address.port, `GET http://${serviceHost}/a HTTP/1.0\r\n\r\n`)
    expect(text).toContain(`[GET /a ${serviceHost}]`)
    const none = await rawExchange(address.port, "GET / HTTP/1.0\r\n\r\n")
    expect(none).toMatch(/^HTTP\/1\.1 404 /)
    expect(none).toContain("has no host")
  })

  it("for the whole server are only valid with OPTIONS", async () => {
    const { address } = await frontToLines()
    for (const method of ["GET", "POST", "DELETE"]) {
      const text = await rawExchange(address.port, `${method} * HTTP/1.1\r\nHost: ${serviceHost}\r\n\r\n`, "}")
      expect(text, method).toMatch(/^HTTP\/1\.1 400 /)
      expect((await ask2(address.port, { ":method": method, ":path": "*" })).status, method).not.toBe(200)
    }
    expect((await ask2(address.port, { ":method": "OPTIONS", ":path": "*" })).body).toContain("[OPTIONS * ")
  })
})

describe("bodies of any method", () => {
  it("are framed for the instance, so that no part of one becomes another request", async () => {
    const seen: Array<string> = []
    const { port, server } = await http1Instance((request, response) => {
      let body = ""
      request.on("data", (chunk) => {
        body += chunk
      })
      request.on("end", () => {
        seen.push(`${request.method} ${request.url} ${body.length}`)
        response.end("done")
      })
    })
    closers.push(() => server.close())
    const front = await frontTo(new TestRoute([port]))
    closers.push(() => front.close(0))
    const smuggled = `GET /smuggled HTTP/1.1\r\nHost: ${serviceHost}\r\n\r\n`
    const chunk = `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`
    for (const method of ["GET", "HEAD", "DELETE", "OPTIONS", "POST", "PUT", "PATCH"]) {
      const head = `${method} /${method} HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n`
      await rawExchange(front.address.port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`)
      await rawExchange(front.address.port, `${head}Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`)
      expect(seen.splice(0), method).toEqual(Array(2).fill(`${method} /${method} ${smuggled.length}`))
    }
  })

  it.each(["Content-Length: 2\r\nContent-Length: 2\r\n", "Content-Length: 2\r\nContent-Length: 3\r\n"])(
    "with two lengths are refused with a reason, equal or not: %j",
    async (fields) => {
      const reached: Array<string> = []
      const port = await rawInstance(
        createServer((socket) => socket.on("data", (chunk) => reached.push(String(chunk))))
      )
      const front = await frontTo(new TestRoute([port]))
      closers.push(() => front.close(0))
      for (const method of ["GET", "POST", "DELETE"]) {
        const text = await rawExchange(
          front.address.port,
          `${method} / HTTP/1.1\r\nHost: ${serviceHost}\r\n${fields}\r\nhi`
        )
        expect(text).toMatch(/^HTTP\/1\.1 400 /)
        expect(text).toContain("Send one Content-Length")
      }
      expect(reached).toEqual([])
    }
  )
})
