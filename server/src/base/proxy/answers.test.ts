import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { connect, type OutgoingHttpHeaders, type ServerHttp2Stream } from "node:http2"
import { createServer } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { fieldBlock, flags, frame, frameTypes, onRequests } from "../../../test/proxy/rawHttp2.ts"
import {
  frontTo,
  http1Instance,
  http2Instance,
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

const frontAt = async (port: number, protocol: "http1" | "h2c" = "http1"): Promise<Front> => {
  const front = await frontTo(new TestRoute([port], { protocol, timeoutMs: 5_000 }))
  closers.push(() => front.close(0))
  return front
}

/** A front to an instance that answers each connection with these bytes. */
const frontToBytes = async (bytes: string): Promise<Front> => {
  const server = createServer((socket) => {
    socket.on("error", () => {})
    socket.on("data", (chunk) => {
      if (chunk.includes("\r\n\r\n")) socket.write(bytes, "latin1")
    })
  })
  closers.push(() => server.close())
  return frontAt(await rawInstance(server))
}

const frontToStreams = async (answer: (stream: ServerHttp2Stream) => void): Promise<Front> => {
  const { port, server } = await http2Instance((server) => {
    server.on("stream", (stream) => {
      stream.on("error", () => {})
      answer(stream)
    })
  })
  closers.push(() => server.close())
  return frontAt(port, "h2c")
}

const heads = {
  GET: `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n\r\n`,
  POST: `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`,
  upgrade: `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`
}
const kinds = ["GET", "POST", "upgrade"] as const

const over2 = async (front: Front, headers: OutgoingHttpHeaders = {}) => {
  const session = connect(`http://127.0.0.1:${front.address.port}`)
  closers.push(() => session.destroy())
  const stream = session.request({ ":authority": serviceHost, ":path": "/", ...headers })
  const hints: Array<unknown> = []
  stream.on("headers", (fields) => hints.push(fields))
  const [answer] = await once(stream, "response")
  stream.resume()
  return { answer, hints }
}

describe("an answer that isn't HTTP", () => {
  it.each([
    ["a status below 100", "HTTP/1.1 042 Odd\r\nContent-Length: 2\r\n\r\nok"],
    ["a status above 599", "HTTP/1.1 700 Odd\r\nContent-Length: 2\r\n\r\nok"],
    ["a control byte in the reason", "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok"],
    ["a control byte in a field", "HTTP/1.1 200 OK\r\nX-A: a\x02b\r\nContent-Length: 2\r\n\r\nok"],
    ["a bare line feed", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
    ["a field name that isn't a token", "HTTP/1.1 200 OK\r\nX A: a\r\nContent-Length: 2\r\n\r\nok"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"]
  ])("%s is answered with 502 to every kind of caller", async (_, bytes) => {
    const front = await frontToBytes(bytes)
    for (const kind of kinds) {
      expect(await rawExchange(front.address.port, heads[kind]), kind).toMatch(/^HTTP\/1\.1 502 /)
    }
    expect((await over2(front)).answer[":status"]).toBe(502)
    expect([front.counters.faults, front.counters.active]).toEqual([0, 0])
  })

  it.each([
    [
      "a non-ASCII reason, which is dropped",
      "HTTP/1.1 200 \xc3\xbcber\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1\.1 200 OK\r\n/,
      "ok"
    ],
    [
      "a 204 with a length and a body",
      "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1\.1 204 /,
      undefined
    ],
    [
      "bytes beyond the length",
      "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n",
      /^HTTP\/1\.1 200 /,
      "ok"
    ],
    [
      "a meaningless informational answer",
      "HTTP/1.1 103 \x01\r\nLink: \x02\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
      /^HTTP\/1\.1 (200|502) /,
      undefined
    ]
  ] as const)("is forwarded if it's allowed: %s", async (_, bytes, expected, body) => {
    const front = await frontToBytes(bytes)
    for (const kind of ["GET", "POST"] as const) {
      const text = await rawExchange(front.address.port, heads[kind])
      expect(text, kind).toMatch(expected)
      if (body !== undefined) expect(text.split("\r\n\r\n")[1], kind).toBe(body)
    }
    expect(front.counters.faults).toBe(0)
  })

  it("in its body reaches the caller as an incomplete response", async () => {
    const front = await frontToBytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nZZ\r\n")
    for (const kind of kinds) {
      const text = await rawExchange(front.address.port, heads[kind])
      expect(text, kind).toMatch(/^HTTP\/1\.1 (502|200) /)
      expect(text, kind).not.toContain("\r\n0\r\n")
    }
  })

  it.each(["99", "099", "600", "700", "999", "2x0"])(
    "of status %s from an h2c instance becomes a 502",
    async (status) => {
      const server = createServer((socket) => {
        socket.on("error", () => {})
        onRequests(socket, (stream) => {
          const fields = fieldBlock([[":status", status]])
          socket.write(frame(frameTypes.headers, flags.endHeaders, stream, fields))
          socket.write(frame(frameTypes.data, flags.endStream, stream, Buffer.from("ok")))
        })
      })
      closers.push(() => server.close())
      const front = await frontAt(await rawInstance(server), "h2c")
      expect((await over2(front)).answer[":status"]).toBe(502)
      for (const kind of ["GET", "POST"] as const)
        expect(await rawExchange(front.address.port, heads[kind]), kind).toMatch(/^HTTP\/1\.1 502 /)
    }
  )

  it("has no field that HTTP/2 forbids when it goes to an HTTP/2 caller", async () => {
    const { port, server } = await http1Instance((_, response) => {
      response.writeHead(200, {
        te: "gzip",
        "http2-settings": "AAA",
        "keep-alive": "timeout=5",
        upgrade: "h2c",
        constructor: "x"
      })
      response.end("ok")
    })
    closers.push(() => server.close())
    const { answer } = await over2(await frontAt(port))
    expect(answer).toMatchObject({ ":status": 200, constructor: "x" })
    for (const name of ["te", "http2-settings", "keep-alive", "upgrade"]) expect(answer).not.toHaveProperty(name)
  })

  it("reaches callers without its body if it's a 205", async () => {
    const front = await frontToBytes("HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok")
    expect((await over2(front)).answer[":status"]).toBe(205)
    for (const kind of ["GET", "POST"] as const)
      expect(await rawExchange(front.address.port, heads[kind]), kind).toMatch(/^HTTP\/1\.1 205 (?!.*ok)/s)
  })

  it("reaches an HTTP/2 caller from an h2c instance with TE: trailers", async () => {
    const front = await frontToStreams((stream) => {
      stream.respond({ ":status": 200, te: "trailers" })
      stream.end("ok")
    })
    expect((await over2(front)).answer[":status"]).toBe(200)
  })
})

describe("informational answers", () => {
  const link = '</a.css>; rel=preload; as=style, </b,c.js>; rel=preload; title="x; y"'

  it("reach HTTP/1.1 callers, including links of several values", async () => {
    const front = await frontToBytes(
      `HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\nLink: </d>; rel=x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`
    )
    for (const kind of ["GET", "POST"] as const) {
      const text = await rawExchange(front.address.port, heads[kind])
      expect(text).toContain(`HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\nLink: </d>; rel=x\r\n\r\nHTTP/1.1 200 OK`)
    }
    const seen: Array<unknown> = []
    const request = httpRequest({
      host: "127.0.0.1",
      port: front.address.port,
      headers: { host: serviceHost },
      agent: false
    })
    request.on("information", ({ headers, statusCode }) => seen.push([statusCode, headers.link]))
    request.end()
    const [response] = await once(request, "response")
    response.resume()
    expect(seen).toEqual([[103, `${link}, </d>; rel=x`]])
    expect(
      (await rawExchange(front.address.port, heads.GET.replace("HTTP/1.1", "HTTP/1.0"))).startsWith("HTTP/1.1 200")
    ).toBe(true)
  })

  it("reach callers of both versions from an h2c instance, except for forbidden ones", async () => {
    const front = await frontToStreams((stream) => {
      stream.additionalHeaders({ ":status": 103, link, "x-no-link-of-nodes": "<" })
      stream.additionalHeaders({ ":status": 103, link: "not a link at all" })
      stream.respond({ ":status": 200 })
      stream.end("ok")
    })
    const { answer, hints } = await over2(front)
    expect([answer[":status"], hints.length]).toEqual([200, 2])
    const text = await rawExchange(front.address.port, heads.GET)
    expect(text).toContain(`link: ${link}`)
    expect(text).toContain("HTTP/1.1 200 OK")
  })

  it("are forwarded in limited number", async () => {
    const front = await frontToBytes(
      `${"HTTP/1.1 103 x\r\nLink: <a>\r\n\r\n".repeat(500)}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`
    )
    const text = await rawExchange(front.address.port, heads.GET)
    expect(text.split("HTTP/1.1 103").length - 1).toBe(32)
    expect(text).toContain("HTTP/1.1 200 OK")
  })
})

describe("stalled callers", () => {
  it("sends the head of an answer before its body", async () => {
    const { port, server } = await http1Instance((_, response) => response.flushHeaders())
    closers.push(() => server.closeAllConnections())
    const front = await frontAt(port)
    expect(await rawExchange(front.address.port, heads.GET, "\r\n\r\n")).toMatch(/^HTTP\/1\.1 200 OK/)
  })
})
