import { once } from "node:events"
import { request as requestHttp1 } from "node:http"
import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { operations, TooManyRequests, Unauthenticated } from "@maxcloud/sdk/api"
import { Effect, Stream } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"
import { makeFront } from "../../../base/proxy/makeFront.ts"
import { SourceError } from "../../../stores/sources/SourceStore.ts"

const mebi = 2 ** 20
const digest = `sha256:${"0".repeat(64)}`
const upload = `/api/v1/sources/${digest}`

interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly bytes: number
  readonly chunked?: boolean
}
interface Answer {
  readonly status: number
  readonly body: string
}

const chunk = Buffer.alloc(mebi, "a")

/** Sends everything before reading a byte of the answer, as simple clients do. */
const sendThenRead = (
  port: number,
  { bytes, chunked = false, headers = {}, method = "PUT", path }: Sent
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    socket.on("error", reject)
    socket.setTimeout(20_000, () => reject(new Error("nothing arrived for 20 s")))
    socket.pause()
    const fields = {
      host: `127.0.0.1:${port}`,
      "content-type": "application/gzip",
      ...(chunked ? { "transfer-encoding": "chunked" } : { "content-length": String(bytes) }),
      ...headers
    }
    socket.write(
      `${method} ${path} HTTP/1.1\r\n${Object.entries(fields)
        .map((field) => field.join(": "))
        .join("\r\n")}\r\n\r\n`
    )
    const send = (left: number) => {
      if (left <= 0) {
        if (chunked) socket.write("0\r\n\r\n")
        let text = ""
        socket.on("end", () => resolve({ status: Number(text.slice(9, 12)), body: text }))
        socket.on("data", (data) => {
          text += data
          const [, status, length] = /^HTTP\/1\.1 (\d{3})[\s\S]*?content-length: (\d+)/i.exec(text) ?? []
          const at = text.indexOf("\r\n\r\n")
          if (status === undefined || at === -1 || text.length < at + 4 + Number(length)) return
          resolve({ status: Number(status), body: text.slice(at + 4) })
          socket.destroy()
        })
        socket.resume()
        return
      }
      const part = chunk.subarray(0, Math.min(left, chunk.length))
      if (chunked) socket.write(`${part.length.toString(16)}\r\n`)
      socket.write(part)
      socket.write(chunked ? "\r\n" : "", () => send(left - part.length))
    }
    send(bytes)
  })

const byHttp2 = (port: number, { bytes, headers = {}, method = "PUT", path }: Sent): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const session = connectHttp2(`http://127.0.0.1:${port}`)
    session.on("error", reject)
    const stream = session.request({
      ":method": method,
      ":path": path,
      "content-type": "application/gzip",
      "content-length": String(bytes),
      ...headers
    })
    let status = 0
    let body = ""
    stream.on("response", (head) => {
      status = Number(head[":status"])
    })
    stream.on("data", (data) => {
      body += data
    })
    stream.on("error", reject)
    stream.on("close", () => {
      session.destroy()
      resolve({ status, body })
    })
    const send = (left: number): void => {
      if (left <= 0 || stream.destroyed || !stream.writable) return void stream.end()
      const part = chunk.subarray(0, Math.min(left, chunk.length))
      stream.write(part, () => send(left - part.length))
    }
    send(bytes)
  })

const byFetch = async (port: number, { bytes, headers = {}, method = "PUT", path }: Sent): Promise<Answer> => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { "content-type": "application/gzip", ...headers },
    body: Buffer.alloc(bytes)
  })
  return { status: answer.status, body: await answer.text() }
}

const clients = [
  ["a client that sends everything first", sendThenRead],
  [
    "the same client without keep-alive",
    (port: number, sent: Sent) => sendThenRead(port, { ...sent, headers: { connection: "close", ...sent.headers } })
  ],
  [
    "the same client without a Content-Length",
    (port: number, sent: Sent) => sendThenRead(port, { ...sent, chunked: true })
  ],
  ["HTTP/2", byHttp2],
  ["fetch", byFetch]
] as const

/** The API behind the front, as in a real server; returns the port. */
const behindFront = (options: Parameters<typeof testApi>[0]) =>
  Effect.gen(function* () {
    const { server } = yield* testApi({
      authenticator: { authenticate: () => new Unauthenticated({ detail: "no such key" }) },
      ...options
    })
    const front = yield* Effect.acquireRelease(
      Effect.promise(() =>
        makeFront({ host: "127.0.0.1", port: 0, api: server, isApiHost: () => true, lookup: () => undefined })
      ),
      ({ close }) => Effect.promise(() => close(0))
    )
    return front.address.port
  })

const refusing = (reason: SourceError["reason"]) => ({
  sources: {
    put: (_: unknown, __: unknown, content: Stream.Stream<Uint8Array, unknown>) =>
      Stream.runHead(content).pipe(Effect.orDie, Effect.andThen(new SourceError({ reason, message: "told" })))
  }
})

describe("an upload refused before its end", () => {
  it.scopedLive.each(clients)("gets its answer: %s", ([, send]) =>
    Effect.gen(function* () {
      for (const [reason, status] of [
        ["overQuota", 403],
        ["tooLarge", 413],
        ["diskFull", 507],
        ["invalid", 400],
        ["unavailable", 503]
      ] as const) {
        const port = yield* behindFront(refusing(reason))
        for (const bytes of [20, 24 * mebi]) {
          const answer = yield* Effect.promise(() => send(port, { path: upload, bytes }))
          expect(answer.status, `${reason}, ${bytes} bytes`).toBe(status)
          expect(answer.body).toContain("told")
        }
      }
    })
  )

  it.scopedLive.each(clients)("gets its answer before any of it is read, if it can't be accepted: %s", ([, send]) =>
    Effect.gen(function* () {
      const port = yield* behindFront({})
      const limited = yield* behindFront({
        rateLimits: { take: () => new TooManyRequests({ detail: "slower", retryAfterSeconds: 60 }) }
      })
      const bytes = 24 * mebi
      for (const [at, sent, status] of [
        [port, { path: upload, headers: { authorization: "Bearer mck_wrong" } }, 401],
        [limited, { path: upload, headers: { authorization: "Bearer mck_wrong" } }, 429],
        [port, { path: upload, headers: { origin: "https://evil.example" } }, 403],
        [port, { path: "/api/v1/nothing" }, 404],
        [port, { path: "/api/v1/services" }, 405],
        [port, { path: "/api/v1/services", method: "POST" }, 415],
        [port, { path: "/api/v1/services", method: "POST", headers: { "content-type": "application/json" } }, 413]
      ] as const) {
        const answer = yield* Effect.promise(() => send(at, { ...sent, bytes }))
        expect(answer.status, JSON.stringify(sent)).toBe(status)
        expect(answer.body).toContain(`"status":${status}`)
      }
    })
  )

  it.scopedLive("gets an answer from every operation that takes a body and every page with a form", () =>
    Effect.gen(function* () {
      const taking: Array<{ readonly method: string; readonly path: string }> = [
        { method: "POST", path: "/auth/sign-in" },
        { method: "PUT", path: upload }
      ]
      for (const { method, path, takesJson } of operations) {
        if (takesJson) taking.push({ method, path: path.replace(/:\w+/g, "x") })
      }
      expect(taking.length).toBeGreaterThan(20)
      const port = yield* behindFront({})
      const headers = { authorization: "Bearer mck_wrong", "content-type": "application/json" }
      const all = taking.flatMap((value) => [
        { ...value, send: sendThenRead, headers: { ...headers, connection: "close" } },
        { ...value, send: byHttp2, headers }
      ])
      yield* Effect.forEach(
        all,
        ({ headers, method, path, send }) =>
          Effect.promise(async () => {
            const { status } = await send(port, { method, path, bytes: 3 * mebi, headers })
            expect([400, 401, 403, 404, 413, 415].includes(status), `${method} ${path}: ${status}`).toBe(true)
          }),
        { concurrency: 4 }
      )
    })
  )
})

describe("a request that expects 100-continue", () => {
  const expecting = (port: number, path: string, headers: Record<string, string> = {}) =>
    new Promise<{ readonly continued: boolean; readonly status: number; readonly closes: boolean }>(
      (resolve, reject) => {
        let continued = false
        const sent = requestHttp1({
          host: "127.0.0.1",
          port,
          path,
          method: "PUT",
          agent: false,
          headers: {
            expect: "100-continue",
            "content-type": "application/gzip",
            "content-length": "4",
            connection: "keep-alive",
            ...headers
          }
        })
        sent.on("continue", () => {
          continued = true
          sent.end("body")
        })
        sent.on("response", (response) => {
          response.resume()
          resolve({ continued, status: response.statusCode ?? 0, closes: response.headers.connection === "close" })
          sent.destroy()
        })
        sent.on("error", reject)
        sent.flushHeaders()
      }
    )

  it.scopedLive("is asked for its body only when a handler reads it, and is otherwise refused at once", () =>
    Effect.gen(function* () {
      const port = yield* behindFront({
        sources: { put: (_, __, content) => Effect.orDie(Stream.runDrain(content)) }
      })
      expect(yield* Effect.promise(() => expecting(port, upload))).toStrictEqual({
        continued: true,
        status: 204,
        closes: false
      })
      const refused = yield* Effect.promise(() => expecting(port, upload, { authorization: "Bearer mck_wrong" }))
      expect(refused).toStrictEqual({ continued: false, status: 401, closes: true })
      const large = yield* Effect.promise(() => expecting(port, upload, { "content-length": String(300 * mebi) }))
      expect(large).toStrictEqual({ continued: false, status: 413, closes: true })
    })
  )

  it.scopedLive("behaves the same over HTTP/2", () =>
    Effect.gen(function* () {
      const port = yield* behindFront({
        sources: { put: (_, __, content) => Effect.orDie(Stream.runDrain(content)) }
      })
      const expecting2 = (headers: Record<string, string>) =>
        new Promise<readonly [continued: boolean, status: number]>((resolve, reject) => {
          const session = connectHttp2(`http://127.0.0.1:${port}`)
          const stream = session.request({ ":method": "PUT", ":path": upload, expect: "100-continue", ...headers })
          let continued = false
          stream.on("continue", () => {
            continued = true
            stream.end("body")
          })
          stream.on("response", (head) => {
            resolve([continued, Number(head[":status"])])
            session.destroy()
          })
          stream.on("error", reject)
        })
      expect(yield* Effect.promise(() => expecting2({}))).toStrictEqual([true, 204])
      expect(yield* Effect.promise(() => expecting2({ authorization: "Bearer mck_wrong" }))).toStrictEqual([false, 401])
    })
  )
})

describe("data that arrives after an answer", () => {
  it.scopedLive("is accepted only for a while: a client that keeps sending is cut off", () =>
    Effect.gen(function* () {
      const port = yield* behindFront({})
      const socket = connect(port, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      socket.on("error", () => {})
      socket.write(
        `PUT ${upload} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer mck_wrong\r\ncontent-length: 1000000\r\n\r\nabc`
      )
      const [answer] = yield* Effect.promise(() => once(socket, "data"))
      expect(String(answer)).toMatch(/^HTTP\/1\.1 401 /)
      const since = performance.now()
      // It sends nothing more, and keeps the connection.
      yield* Effect.promise(() => once(socket, "close"))
      expect(performance.now() - since).toBeLessThan(10_000)
    })
  )

  it.scopedLive("can be the next request of a kept-alive connection, once the body is complete", () =>
    Effect.gen(function* () {
      const port = yield* behindFront(refusing("overQuota"))
      const socket = connect(port, "127.0.0.1")
      yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
      let text = ""
      const healthy = new Promise<void>((resolve) => {
        socket.on("data", (data) => {
          text += data
          if (text.includes('{"status":"ok"}')) resolve()
        })
      })
      socket.write(`PUT ${upload} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-length: ${2 * mebi}\r\n\r\n`)
      socket.write(chunk)
      socket.write(chunk)
      socket.write(`GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`)
      yield* Effect.promise(() => healthy)
      expect(text).toMatch(/^HTTP\/1\.1 403 [\s\S]*HTTP\/1\.1 200 /)
    })
  )
})
