import { once } from "node:events"
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
  type ServerHttp2Stream
} from "node:http2"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { frontTo, http1Instance, http2Instance, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const closers: Array<() => unknown> = []
const front = async (
  ...args: Parameters<typeof frontTo>
): Promise<Front & { readonly session: ClientHttp2Session }> => {
  const made = await frontTo(...args)
  const session = connect(`http://127.0.0.1:${made.address.port}`)
  closers.push(
    () => session.destroy(),
    () => made.close(0)
  )
  return { ...made, session }
}
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const open = (session: ClientHttp2Session, headers: Record<string, string> = {}, endStream = true) =>
  session.request({ ":authority": serviceHost, ":path": "/", ...headers }, { endStream })

const answerOf = async (stream: ClientHttp2Stream) => {
  const trailers: Record<string, unknown> = {}
  stream.on("trailers", (fields: IncomingHttpHeaders) => Object.assign(trailers, fields))
  const [headers] = await once(stream, "response")
  const body = (await stream.toArray()).join("")
  return { status: headers[":status"], headers, body, trailers }
}

/** Answers like a gRPC server: messages as they come, and the status in trailers. */
const grpc = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
  stream.on("error", () => {})
  if (headers[":path"] === "/fails") {
    stream.respond({ ":status": 200, "content-type": "application/grpc", "grpc-status": "5" }, { endStream: true })
    return
  }
  if (headers[":path"] === "/resets") {
    stream.respond({ ":status": 200 })
    stream.write("half", () => stream.destroy(new Error("broken off")))
    return
  }
  stream.respond(
    { ":status": 200, "content-type": "application/grpc", "x-te": headers.te ?? "" },
    { waitForTrailers: true }
  )
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }))
  stream.pipe(stream)
}

const grpcRoute = async (handler = grpc) => {
  const { port, server } = await http2Instance((server) => server.on("stream", handler))
  closers.push(() => server.close())
  return new TestRoute([port], { protocol: "h2c" })
}

describe("HTTP/2", () => {
  it("carries a bidirectional stream to an h2c instance, message by message, and its trailers", async () => {
    const route = await grpcRoute()
    const { session } = await front(route)
    const stream = open(session, { ":method": "POST", te: "trailers" }, false)
    const answered = once(stream, "response")
    const trailers = once(stream, "trailers")
    for (const message of ["one", "two", "three"]) {
      stream.write(message)
      expect(String((await once(stream, "data"))[0])).toBe(message)
    }
    stream.end()
    expect((await answered)[0]).toMatchObject({
      ":status": 200,
      "content-type": "application/grpc",
      "x-te": "trailers"
    })
    expect((await trailers)[0]).toMatchObject({ "grpc-status": "0", "grpc-message": "fine" })
    stream.resume()
    await expect.poll(() => [route.taken, route.released]).toEqual([1, 1])
  })

  it("forwards a response that is only a head, and a reset", async () => {
    const route = await grpcRoute()
    const { session } = await front(route)
    expect(await answerOf(open(session, { ":path": "/fails" }))).toMatchObject({
      body: "",
      headers: { "grpc-status": "5" }
    })
    const stream = open(session, { ":path": "/resets" })
    stream.resume()
    const [error] = await once(stream, "error")
    expect(error.code).toBe("ERR_HTTP2_STREAM_ERROR")
    await expect.poll(() => [route.taken, route.released]).toEqual([2, 2])
  })

  it("cancels at the instance when the caller does", async () => {
    let cancelled: Promise<unknown> | undefined
    const route = await grpcRoute((stream) => {
      stream.on("error", () => {})
      stream.respond({ ":status": 200 })
      stream.write("x")
      cancelled = once(stream, "close")
    })
    const { counters, session } = await front(route)
    const stream = open(session)
    stream.on("error", () => {})
    await once(stream, "data")
    stream.close(8)
    await cancelled
    await expect.poll(() => [route.released, counters.aborted, counters.active]).toEqual([1, 1, 0])
  })

  it("connects HTTP/1.1 callers to an h2c instance", async () => {
    const route = await grpcRoute((stream, headers) => {
      stream.respond(
        { ":status": 201, "x-path": headers[":path"], "x-host": headers[":authority"] },
        { waitForTrailers: true }
      )
      stream.on("wantTrailers", () => stream.sendTrailers({ "x-sum": "1" }))
      stream.pipe(stream)
    })
    const { address } = await front(route)
    const response = await fetch(`http://127.0.0.1:${address.port}/a?b`, { method: "POST", body: "hello" })
    expect(response.status).toBe(404)
    const { rawExchange } = await import("../../../test/proxy/testing.ts")
    const text = await rawExchange(
      address.port,
      `POST /a?b HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello`
    )
    expect(text).toMatch(/^HTTP\/1\.1 201 Created/)
    expect(text).toContain("x-path: /a?b")
    expect(text).toContain(`x-host: ${serviceHost}`)
    expect(text).toContain("hello\r\n0\r\nx-sum: 1\r\n")
  })

  it("connects HTTP/2 callers to an HTTP/1.1 instance and to the API, and explains an unknown host", async () => {
    const { port } = await http1Instance((request, response) => {
      response.writeHead(200, {
        "x-host": request.headers.host ?? "",
        "x-length": request.headers["content-length"] ?? "none"
      })
      request.pipe(response)
    })
    const route = new TestRoute([port])
    const { session } = await front(route)
    const stream = open(session, { ":method": "POST" }, false)
    const large = "x".repeat(3 * 2 ** 20)
    stream.end(large)
    const { body, headers, status } = await answerOf(stream)
    expect([status, headers["x-host"], headers["x-length"], body.length]).toEqual([
      200,
      serviceHost,
      "none",
      large.length
    ])
    expect((await answerOf(open(session, { ":method": "HEAD" }))).status).toBe(200)
    expect((await answerOf(open(session, { ":authority": "api.localhost:1" }))).body).toBe("the api")
    const unknown = await answerOf(open(session, { ":authority": "nobody.localhost" }))
    expect([unknown.status, unknown.headers["content-type"]]).toEqual([404, "application/problem+json"])
    await expect.poll(() => [route.taken, route.released]).toEqual([2, 2])
  })

  it("tries other instances when a connection is refused", async () => {
    const route = await grpcRoute()
    const gone = await http2Instance(() => {})
    await new Promise<void>((resolve) => gone.server.close(() => resolve()))
    route.ports.unshift(gone.port)
    const { session } = await front(route)
    const stream = open(session, { ":method": "POST" }, false)
    stream.end("again")
    expect(await answerOf(stream)).toMatchObject({ status: 200, body: "again", trailers: { "grpc-status": "0" } })
    expect([route.failures, route.taken]).toEqual([1, 2])
  })

  it("carries many streams on one connection", async () => {
    const route = await grpcRoute()
    const { session } = await front(route)
    const answers = Array.from({ length: 200 }, async (_, i) => {
      const stream = open(session, { ":method": "POST" }, false)
      stream.end(`message ${i}`)
      const { body } = await answerOf(stream)
      expect(body).toBe(`message ${i}`)
    })
    await Promise.all(answers)
    await expect.poll(() => route.released).toBe(200)
  })
})
