import { once } from "node:events"
import {
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions
} from "node:http"
import { connect, createServer as createNetServer } from "node:net"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { afterEach, describe, expect, it } from "@effect/vitest"
import {
  frontTo,
  http1Instance,
  rawExchange,
  rawInstance,
  serviceHost,
  TestRoute
} from "../../../test/proxy/testing.ts"
import { type Front, makeFront, openLink, PortTaken } from "./makeFront.ts"
import { NoInstance, type Route } from "./Route.ts"

const fronts: Array<Front> = []
const front = async (...args: Parameters<typeof frontTo>): Promise<Front> => {
  const made = await frontTo(...args)
  fronts.push(made)
  return made
}
afterEach(async () => {
  for (const made of fronts.splice(0)) await made.close(0)
})

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly raw: ReadonlyArray<string>
  readonly trailers: NodeJS.Dict<string>
  readonly body: string
}

const respond = (port: number, options: RequestOptions = {}, body?: Readable | string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    const headers = Array.isArray(options.headers) ? options.headers : { host: serviceHost, ...options.headers }
    const request = httpRequest({ host: "127.0.0.1", port, agent: false, ...options, headers }, resolve)
    request.on("error", reject)
    if (body instanceof Readable) body.pipe(request)
    else request.end(body)
  })

const send = async (port: number, options: RequestOptions = {}, body?: Readable | string): Promise<Answer> => {
  const response = await respond(port, options, body)
  const chunks: Array<Buffer> = []
  for await (const chunk of response) chunks.push(chunk)
  const { headers, rawHeaders: raw, trailers } = response
  return { status: response.statusCode ?? 0, headers, raw, trailers, body: Buffer.concat(chunks).toString() }
}

/** Bytes of a body, in chunks, and the maximum held between reading and sending. */
const zeros = (bytes: number): Readable =>
  Readable.from(
    (function* () {
      const chunk = Buffer.alloc(64 * 1024)
      for (let left = bytes; left > 0; left -= chunk.length) yield left < chunk.length ? chunk.subarray(0, left) : chunk
    })()
  )

const settled = (route: TestRoute) => expect.poll(() => route.taken - route.released).toBe(0)

describe("hosts", () => {
  it("sends the API and a service their requests and upgrades, and explains an unknown host", async () => {
    const { port } = await http1Instance((_, response) => response.end("the service"))
    const { address } = await front(new TestRoute([port]))
    expect((await send(address.port, { headers: { host: `API.localhost:${address.port}` } })).body).toBe("the api")
    expect((await send(address.port, { headers: { host: `${serviceHost}:80` } })).body).toBe("the service")
    const unknown = await send(address.port, { headers: { host: "nobody.localhost:1" } })
    expect(unknown.status).toBe(404)
    expect(unknown.headers["content-type"]).toBe("application/problem+json")
    expect(JSON.parse(unknown.body)).toMatchObject({ status: 404, detail: expect.stringContaining("nobody.localhost") })
    expect(unknown.body).toContain("maxcloud list")
    const page = await send(address.port, { headers: { host: "<b>.localhost", accept: "text/html" } })
    expect(page.headers["content-type"]).toContain("text/html")
    expect(page.body).not.toContain("<b>.localhost")
  })

  it("accepts a target in absolute form, and uses the host in it", async () => {
    const { port } = await http1Instance((request, response) => response.end(`${request.url} ${request.headers.host}`))
    const { address } = await front(new TestRoute([port]))
    const text = await rawExchange(
      address.port,
      `GET http://${serviceHost}/a?b HTTP/1.1\r\nHost: nobody\r\nConnection: close\r\n\r\n`
    )
    expect(text).toContain("/a?b")
  })

  it("shows the API the target's host, and accepts only one Host header", async () => {
    const api = createServer(({ headers, url }, response) => response.end(`${url} at ${headers.host}`))
    const { address } = await front(undefined, api)
    const ask = (head: string, until: string) => rawExchange(address.port, `${head}\r\n\r\n`, until)
    expect(await ask("GET http://api.localhost/a?b HTTP/1.1\r\nHost: 127.0.0.1", "localhost")).toContain(
      "/a?b at api.localhost"
    )
    for (const head of [
      "GET / HTTP/1.1\r\nHost: api.localhost\r\nHost: 127.0.0.1",
      "GET / HTTP/1.1",
      "CONNECT api.localhost:80 HTTP/1.1\r\nHost: api.localhost"
    ]) {
      const text = await ask(head, "}")
      expect(text, head).toMatch(/^HTTP\/1\.1 400/)
      expect(text, head).toContain("application/problem+json")
    }
  })

  it("says which port is in use", async () => {
    const { address } = await front(undefined)
    const again = makeFront({
      host: "127.0.0.1",
      port: address.port,
      lookup: () => undefined,
      isApiHost: () => true,
      api: createServer()
    })
    await expect(again).rejects.toThrow(PortTaken)
    await expect(again).rejects.toThrow(String(address.port))
  })

  it("sends everything to one route on a link", async () => {
    const { port } = await http1Instance((request, response) => response.end(request.headers.host))
    let route: Route | undefined = new TestRoute([port])
    const link = await openLink({ host: "127.0.0.1", route: () => route })
    expect((await send(link.port, { headers: { host: "whatever:5" } })).body).toBe("whatever:5")
    route = undefined
    expect((await send(link.port)).status).toBe(503)
    await link.close()
  })
})

describe("messages", () => {
  it("forwards fields unchanged, except for hop-by-hop fields, and adds the request's path", async () => {
    const { port } = await http1Instance((request, response) => {
      response.setHeader("Set-Cookie", ["a=1", "b=2"])
      response.setHeader("X-MiXed", "yes")
      response.setHeader("Connection", "X-Secret")
      response.setHeader("X-Secret", "for this hop")
      response.end(JSON.stringify(request.rawHeaders))
    })
    const { address } = await front(new TestRoute([port]))
    const fields = ["Host", serviceHost, "X-CaSe", "1", "x-case", "2", "TE", "trailers", "X-Hop", "x"]
    fields.push("Connection", "close, X-Hop, Host", "X-Forwarded-For", "10.0.0.1", "Proxy-Authorization", "no")
    const { body, headers, raw } = await send(address.port, { headers: fields })
    const received: Array<string> = JSON.parse(body)
    expect(received.join("\n")).toContain("X-CaSe\n1\nx-case\n2")
    const names = received.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    expect(names.filter((name) => ["te", "x-hop", "proxy-authorization", "upgrade"].includes(name))).toEqual([])
    const value = (name: string) =>
      received[received.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name) + 1]
    expect(value("host")).toBe(serviceHost)
    expect(value("x-forwarded-for")).toBe("10.0.0.1, 127.0.0.1")
    expect(value("x-forwarded-host")).toBe(serviceHost)
    expect(value("x-forwarded-proto")).toBe("http")
    expect(value("forwarded")).toBe(`for=127.0.0.1;host=${serviceHost};proto=http`)
    expect(value("x-request-id")).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers["set-cookie"]).toEqual(["a=1", "b=2"])
    expect(raw).toContain("X-MiXed")
    expect(headers["x-secret"]).toBeUndefined()
  })

  it("answers HEAD, 204 and 304 without a body and keeps using the same connection", async () => {
    const { port } = await http1Instance((request, response) => {
      if (request.url === "/204") response.writeHead(204).end()
      else if (request.url === "/304") response.writeHead(304, { etag: '"x"', "content-length": "5" }).end()
      else response.writeHead(200, { "content-length": "5" }).end(request.method === "HEAD" ? undefined : "hello")
    })
    const { address } = await front(new TestRoute([port]))
    const one = (method: string, path: string, more = "") =>
      `${method} ${path} HTTP/1.1\r\nHost: ${serviceHost}\r\n${more}\r\n`
    const text = await rawExchange(
      address.port,
      one("HEAD", "/") + one("GET", "/204") + one("GET", "/304") + one("GET", "/", "Connection: close\r\n")
    )
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 204", "HTTP/1.1 304", "HTTP/1.1 200"])
    expect(text.match(/hello/g)).toHaveLength(1)
  })

  it("forwards trailers of a response", async () => {
    const { port } = await http1Instance((_, response) => {
      response.writeHead(200, { Trailer: "X-Sum" })
      response.write("body")
      response.addTrailers({ "X-Sum": "42" })
      response.end()
    })
    const { address } = await front(new TestRoute([port]))
    const { body, trailers } = await send(address.port)
    expect(body).toBe("body")
    expect(trailers["x-sum"]).toBe("42")
  })

  it("requests a body only when the instance reads it (100-continue)", async () => {
    const { port } = await http1Instance((request, response) => request.pipe(response))
    const { address } = await front(new TestRoute([port]))
    const request = httpRequest({
      host: "127.0.0.1",
      port: address.port,
      method: "POST",
      headers: { host: serviceHost, expect: "100-continue" }
    })
    request.flushHeaders()
    await once(request, "continue")
    request.end("hello")
    const [response]: [IncomingMessage] = (await once(request, "response")) as [IncomingMessage]
    expect((await response.toArray()).join("")).toBe("hello")
    const refusedAt = await front({
      key: "x",
      protocol: "http1",
      timeoutMs: 1_000,
      acquire: () => Promise.reject(new NoInstance(503, "at its limit", 7))
    })
    const refused = await send(refusedAt.address.port, { method: "POST", headers: { expect: "100-continue" } }, "x")
    expect(refused.status).toBe(503)
    expect(refused.headers["retry-after"]).toBe("7")
  })

  it("tells a caller held until its timeout why no instance took the request, instead of blaming a slow one", async () => {
    const { address } = await front({
      key: "x",
      protocol: "http1",
      timeoutMs: 50,
      acquire: (signal) =>
        new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true })),
      overdue: (waitedMs) => new NoInstance(503, `it isn't running after ${waitedMs} ms`, 7)
    })
    const refused = await send(address.port)
    expect([refused.status, refused.headers["retry-after"]]).toEqual([503, "7"])
    expect(refused.body).toContain("it isn't running after 50 ms")
  })

  it("streams a response as it comes, and early hints before it", async () => {
    const { port } = await http1Instance((request, response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload" })
      response.write("first")
      request.on("data", () => response.end("second"))
    })
    const { address } = await front(new TestRoute([port]))
    const request = httpRequest({
      host: "127.0.0.1",
      port: address.port,
      method: "POST",
      headers: { host: serviceHost }
    })
    request.flushHeaders()
    const hints = once(request, "information")
    const [response]: [IncomingMessage] = (await once(request, "response")) as [IncomingMessage]
    expect(await hints).toMatchObject([{ statusCode: 103 }])
    const [first] = await once(response, "data")
    expect(String(first)).toBe("first")
    request.end("go on")
    expect((await response.toArray()).join("")).toBe("second")
  })

  it("forwards an answer that comes before the end of the request, and keeps serving", async () => {
    const { port } = await http1Instance((_, response) => response.writeHead(413).end("too large"))
    const route = new TestRoute([port])
    const { address } = await front(route)
    for (let i = 0; i < 3; i++) {
      const response = await respond(address.port, { method: "POST" }, zeros(256 * 1024))
      expect(response.statusCode).toBe(413)
      expect((await response.toArray()).join("")).toBe("too large")
    }
    await settled(route)
    const text = await rawExchange(
      address.port,
      `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\nContent-Length: 5\r\n\r\nhelloGET / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n\r\n`
    )
    expect(text.match(/HTTP\/1\.1 413/g)).toHaveLength(2)
  })

  it("carries 192 MB both ways in bounded memory, however slow the reader", async () => {
    const bytes = 192 * 2 ** 20
    const { port } = await http1Instance((request, response) => request.pipe(response))
    const route = new TestRoute([port])
    const { address } = await front(route)
    const before = process.memoryUsage.rss()
    let received = 0
    let peak = 0
    const response = await respond(address.port, { method: "POST" }, zeros(bytes))
    await pipeline(response, async (chunks) => {
      for await (const chunk of chunks) {
        received += chunk.length
        if (Math.random() < 0.01) await new Promise((resolve) => setTimeout(resolve, 2))
        peak = Math.max(peak, process.memoryUsage.rss())
      }
    })
    expect(received).toBe(bytes)
    expect(peak - before).toBeLessThan(180 * 2 ** 20)
    await settled(route)
  })
})

describe("faults", () => {
  it("refuses a request that gives its length in two ways, and other malformed ones", async () => {
    let reached = 0
    const { port } = await http1Instance((_, response) => {
      reached++
      response.end()
    })
    const { address } = await front(new TestRoute([port]))
    const host = `Host: ${serviceHost}\r\n`
    for (const head of [
      `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde`,
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}X: a\rb\r\n\r\n`,
      `GET / HTTP/1.1\r\n${host}${host}\r\n`,
      "GET / HTTP/1.1\r\n\r\n",
      "no HTTP at all\r\n\r\n"
    ]) {
      expect(await rawExchange(address.port, head, "\r\n\r\n"), head).toMatch(/^HTTP\/1\.1 400/)
    }
    expect(reached).toBe(0)
  })

  it("answers a caller that sent an unreadable body, and gives the slot back", async () => {
    const { port } = await http1Instance((request, response) => request.on("end", () => response.end()).resume())
    const route = new TestRoute([port])
    const { address } = await front(route)
    for (const [fields, status] of [
      ["Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", 400],
      ["Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501],
      ["Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501]
    ] as const) {
      const text = await rawExchange(address.port, `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\n${fields}`, "}")
      expect(text, fields).toContain(`HTTP/1.1 ${status}`)
      expect(text, fields).toContain('"status":')
    }
    await settled(route)
  })

  it("ignores expectations that it doesn't know", async () => {
    const { port } = await http1Instance((_, response) => response.end("here"))
    const { address } = await front(new TestRoute([port]))
    expect((await send(address.port, { headers: { expect: "tea" } })).body).toBe("here")
  })

  it("closes connections that don't send a complete head in time", async () => {
    const made = await makeFront({
      host: "127.0.0.1",
      port: 0,
      lookup: () => undefined,
      isApiHost: () => false,
      api: createServer(),
      headMs: 200
    })
    fronts.push(made)
    for (const [bytes, answer, trickles] of [
      ["", "", false],
      ["PR", "", false],
      ["GET / HTTP/1.1\r\nHost: a", "408", false],
      // Trickling bytes don't extend the time. (Unread ones would reset the connection, and lose the answer.)
      ["GET / HTTP/1.1\r\nHost: a", "", true]
    ] as const) {
      const socket = connect(made.address.port, "127.0.0.1")
      let text = ""
      socket.on("data", (chunk) => {
        text += chunk
      })
      socket.on("error", () => {})
      const closed = new Promise((resolve) => socket.on("close", resolve))
      socket.write(bytes)
      const trickle = trickles ? setInterval(() => socket.write("a"), 50) : undefined
      await closed
      clearInterval(trickle)
      expect(text, bytes).toContain(answer)
    }
    expect((await send(made.address.port)).status).toBe(404)
  })

  it("answers 504 when the response doesn't begin in time, and gives the slot back", async () => {
    const { port, server } = await http1Instance(() => {})
    const route = new TestRoute([port], { timeoutMs: 100 })
    const { address } = await front(route)
    const closed = once(server, "connection").then(([socket]) => once(socket, "close"))
    const { body, status } = await send(address.port)
    expect(status).toBe(504)
    expect(JSON.parse(body).detail).toContain("100 ms")
    await closed
    await settled(route)
  })

  it("drops a held request when its caller leaves", async () => {
    let signal: AbortSignal | undefined
    const route: Route = {
      key: "x",
      protocol: "http1",
      timeoutMs: 10_000,
      acquire: (given) => {
        signal = given
        return new Promise((_, reject) => given.addEventListener("abort", () => reject(given.reason)))
      }
    }
    const { address, counters } = await front(route)
    const request = httpRequest({ host: "127.0.0.1", port: address.port, headers: { host: serviceHost } })
    request.on("error", () => {})
    request.end()
    await expect.poll(() => counters.held).toBe(1)
    request.destroy()
    await expect.poll(() => signal?.aborted).toBe(true)
    await expect.poll(() => [counters.held, counters.active, counters.aborted]).toEqual([0, 0, 1])
  })

  it("closes the instance's connection when the caller leaves while either body is on its way", async () => {
    const { port, server } = await http1Instance((request, response) => {
      if (request.method === "GET") zeros(2 ** 30).pipe(response)
      else request.resume()
    })
    const route = new TestRoute([port])
    const { address } = await front(route)
    for (const method of ["GET", "POST"]) {
      // By reset or by end, which `once` would distinguish.
      const closed = new Promise((resolve) => server.once("request", (each) => each.socket.on("close", resolve)))
      const request = httpRequest({ host: "127.0.0.1", port: address.port, method, headers: { host: serviceHost } })
      request.on("error", () => {})
      if (method === "GET") {
        request.end()
        const [response] = await once(request, "response")
        response.on("error", () => {})
      } else {
        const reached = once(server, "request")
        request.write("half of a body")
        await reached
      }
      request.destroy()
      await closed
      await settled(route)
    }
  })

  it("aborts a response when the instance does", async () => {
    const { port } = await http1Instance((_, response) => {
      response.writeHead(200)
      response.write("half", () => response.destroy())
    })
    const route = new TestRoute([port])
    const { address } = await front(route)
    await expect(send(address.port)).rejects.toThrow(/aborted|ECONNRESET/)
    await settled(route)
  })

  it("tries others when connections are refused, whatever the method, because the body is still complete", async () => {
    const { port } = await http1Instance((request, response) => request.pipe(response))
    const gone = await http1Instance(() => {})
    await new Promise((resolve) => gone.server.close(resolve))
    const route = new TestRoute([gone.port, gone.port, port])
    const { address, counters } = await front(route)
    expect((await send(address.port, { method: "POST" }, "the body")).body).toBe("the body")
    expect([route.failures, counters.retries]).toEqual([2, 2])
    await settled(route)
  })

  it("answers 502 if the response isn't HTTP or is ambiguous", async () => {
    for (const bytes of [
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ]) {
      const port = await rawInstance(createNetServer((socket) => socket.on("error", () => {}).end(bytes)))
      const { address } = await front(new TestRoute([port]))
      expect((await send(address.port)).status, bytes).toBe(502)
    }
  })

  it("drains running requests when it closes, then closes the rest", async () => {
    const { port } = await http1Instance((request, response) => {
      if (request.url === "/slow") setTimeout(() => response.end("slow"), 150)
      if (request.url === "/never") response.write("x")
    })
    const made = await frontTo(new TestRoute([port]))
    const slow = send(made.address.port, { path: "/slow" })
    const never = send(made.address.port, { path: "/never" })
    const neverFails = expect(never).rejects.toThrow()
    await expect.poll(() => made.counters.active).toBe(2)
    await made.close(600)
    expect((await slow).body).toBe("slow")
    await neverFails
    await expect(send(made.address.port)).rejects.toThrow("ECONNREFUSED")
  })
})

describe("replacement of instances", () => {
  it("fails no request while instances are drained under load, and repeats none while they're killed", {
    timeout: 60_000
  }, async () => {
    const seen = new Map<string, number>()
    const start = () =>
      http1Instance((request, response) => {
        const once = `${request.method} ${request.url}`
        seen.set(once, (seen.get(once) ?? 0) + 1)
        const chunks: Array<Buffer> = []
        request.on("data", (chunk) => chunks.push(chunk))
        request.on("end", () =>
          setTimeout(() => response.end(`${request.url} ${Buffer.concat(chunks)}`), Math.random() * 3)
        )
      })
    const instances = [await start(), await start(), await start()]
    const busy = new Map<number, number>()
    const route = new TestRoute([])
    const makeLease = route.lease.bind(route)
    route.acquire = () => {
      const { port } = instances[Math.trunc(Math.random() * instances.length)] ?? expect.fail("no instance")
      const lease = makeLease(port)
      busy.set(port, (busy.get(port) ?? 0) + 1)
      const release = () => {
        busy.set(port, (busy.get(port) ?? 0) - 1)
        lease.release()
      }
      return { ...lease, release }
    }
    const { address, counters } = await front(route)
    let phase: "drained" | "killed" | "over" = "drained"
    let answered = 0
    let cut = 0
    let posting = 0
    let failed = false
    const caller = async (i: number) => {
      for (let n = 0; phase !== "over"; n++) {
        // A killed instance loses its request: nobody knows how far it got.
        const method = phase === "drained" ? "POST" : "GET"
        const text = method === "POST" ? `${i}-${n}` : ""
        if (method === "POST") posting++
        const { body, status } = await send(address.port, { method, path: `/${i}-${n}` }, text)
        if (method === "POST") posting--
        if (method === "GET" && status === 502) cut++
        else expect([status, body]).toEqual([200, `/${i}-${n} ${text}`])
        answered++
      }
    }
    const callers = Promise.all(Array.from({ length: 16 }, (_, i) => caller(i))).finally(() => {
      failed = phase !== "over"
    })
    const replacements = async () => {
      for (let round = 0; round < 60; round++) {
        if (round === 30) {
          phase = "killed"
          await expect.poll(() => posting, { timeout: 10_000 }).toBe(0)
        }
        const next = await start()
        const [old] = instances.splice(round % 3, 1, next)
        if (old === undefined) continue
        if (phase === "drained")
          while ((busy.get(old.port) ?? 0) > 0) await new Promise((resolve) => setTimeout(resolve, 1))
        else old.server.closeAllConnections()
        old.server.close()
        // Kill at intervals longer than a request: an instance that's killed faster than it can answer can't answer.
        const enough = answered + 32
        while (answered < enough && !failed) await new Promise((resolve) => setTimeout(resolve, Math.random() * 4))
      }
      phase = "over"
    }
    await Promise.all([callers, replacements()])
    expect(answered).toBeGreaterThan(200)
    expect([counters.byClass[2], counters.byClass[5]]).toEqual([answered - cut, cut])
    // At most those in progress when one of three was killed.
    expect(cut).toBeLessThan(30 * 16)
    expect(Math.max(...seen.values())).toBe(1)
    await settled(route)
  })
})
