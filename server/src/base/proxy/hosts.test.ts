import { execFile } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import { connect } from "node:http2"
import { promisify } from "node:util"
import { afterEach, describe, expect, it } from "@effect/vitest"
import {
  frontTo,
  http1Instance,
  http2Instance,
  rawExchange,
  serviceHost,
  TestRoute
} from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** An instance that answers with the hosts that it got, for upgrades too. */
const frontToHosts = async (protocol: "http1" | "h2c" = "http1"): Promise<Front> => {
  const hostsOf = (raw: ReadonlyArray<string>) =>
    raw.filter((_, i) => raw[i - (i % 2)]?.toLowerCase() === "host" && i % 2 === 1).join("|")
  const { port, server } =
    protocol === "http1"
      ? await http1Instance((request, response) => response.end(`[${hostsOf(request.rawHeaders)}] ${request.url}`))
      : await http2Instance((server) =>
          server.on("stream", (stream, headers) => {
            stream.on("error", () => {})
            stream.respond({ ":status": 200 })
            stream.end(
              `[${headers[":authority"]}${headers.host === undefined ? "" : `|${headers.host}`}] ${headers[":path"]}`
            )
          })
        )
  server.on("upgrade", (request, socket) => {
    const body = `[${hostsOf(request.rawHeaders)}] ${request.url}`
    socket.end(`HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${body}`)
  })
  closers.push(() => server.close())
  const api = createServer((request, response) =>
    response.end(`api at ${request.headers[":authority"] ?? request.headers.host}`)
  )
  const front = await frontTo(new TestRoute([port], { protocol }), api)
  closers.push(() => front.close(0))
  return front
}

const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
const ways = [
  ["a request", "Connection: close\r\n"],
  ["an upgrade", upgrade]
] as const

describe.each(ways)("the host of %s", (_, extra) => {
  it("in absolute form replaces the field, and the service gets it once", async () => {
    const { address } = await frontToHosts()
    const ask = (target: string, host: string) =>
      rawExchange(address.port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\n${extra}\r\n`)
    expect(await ask(`http://${serviceHost}/a?b`, "evil.example")).toContain(`[${serviceHost}] /a?b`)
    expect(await ask(`HTTP://${serviceHost}:81?b`, serviceHost)).toContain(`[${serviceHost}:81] /?b`)
    expect(await ask("http://nobody.localhost/", serviceHost)).toMatch(/^HTTP\/1\.1 404 /)
  })

  it.each([
    ["two fields", `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nHost: ${serviceHost}\r\n`],
    ["two fields beside the absolute form", `GET http://${serviceHost}/ HTTP/1.1\r\nHost: a\r\nhOsT: b\r\n`],
    ["none", "GET / HTTP/1.1\r\n"],
    ["none beside the absolute form", `GET http://${serviceHost}/ HTTP/1.1\r\n`],
    ["userinfo in the target", `GET http://${serviceHost}@evil/ HTTP/1.1\r\nHost: ${serviceHost}\r\n`],
    ["userinfo in front of the target", `GET http://evil@${serviceHost}/ HTTP/1.1\r\nHost: ${serviceHost}\r\n`],
    ["no host in the target", `GET http:///a HTTP/1.1\r\nHost: ${serviceHost}\r\n`],
    ["another scheme", `GET ftp://${serviceHost}/ HTTP/1.1\r\nHost: ${serviceHost}\r\n`],
    ["userinfo in the field", `GET / HTTP/1.1\r\nHost: a@${serviceHost}\r\n`],
    ["a path in the field", `GET / HTTP/1.1\r\nHost: ${serviceHost}/a\r\n`],
    ["two names in one field", `GET / HTTP/1.1\r\nHost: ${serviceHost} evil\r\n`]
  ])("%s is a 400", async (_what, head) => {
    const { address } = await frontToHosts()
    expect(await rawExchange(address.port, `${head}${extra}\r\n`)).toMatch(/^HTTP\/1\.1 400 /)
  })
})

describe("framing of requests", () => {
  it.each([
    ["two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n", 400],
    ["a length and chunks", "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", 400],
    ["another coding", "Transfer-Encoding: gzip, chunked\r\n", 501],
    ["chunks twice", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400]
  ])("%s is refused", async (_, fields, status) => {
    const { address } = await frontToHosts()
    const head = `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n${fields}\r\n`
    expect(await rawExchange(address.port, `${head}2\r\nhi\r\n0\r\n\r\n`, "\r\n\r\n")).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} `)
    )
  })

  it("answers chunks in HTTP/1.0 with 400, and ignores its upgrades", async () => {
    const { address } = await frontToHosts()
    const old = (fields: string) =>
      rawExchange(address.port, `GET / HTTP/1.0\r\nHost: ${serviceHost}\r\n${fields}\r\n`, "\r\n\r\n")
    expect(await old("Transfer-Encoding: chunked\r\n")).toMatch(/^HTTP\/1\.1 400 /)
    expect(await old(upgrade)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it("keeps fields named by Connection from the instance for an upgrade with a body", async () => {
    const { port, server } = await http1Instance((request, response) => {
      request.resume()
      response.end(`hop: ${request.headers["x-hop"]}`)
    })
    closers.push(() => server.close())
    const front = await frontTo(new TestRoute([port]))
    closers.push(() => front.close(0))
    const text = await rawExchange(
      front.address.port,
      `POST / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: Upgrade, X-Hop, close\r\nUpgrade: websocket\r\nX-Hop: a\r\nContent-Length: 2\r\n\r\nhi`
    )
    expect(text).toContain("hop: undefined")
  })
})

const isRefused = (status: unknown) => status === 400 || status === "reset"

describe("HTTP/2", () => {
  const ask = async (front: Front, headers: Record<string, string>) => {
    const session = connect(`http://127.0.0.1:${front.address.port}`)
    closers.push(() => session.destroy())
    const stream = session.request({ ":path": "/a", ...headers })
    const answer = await once(stream, "response").then(
      ([first]) => first,
      () => undefined
    )
    // Node's own server resets streams that RFC 9113 calls malformed.
    if (answer === undefined) return { status: "reset", body: "" }
    return { status: answer[":status"], body: (await stream.toArray()).join("") }
  }

  it.each(["http1", "h2c"] as const)(
    ":authority wins over host, and an instance of %s gets it once",
    async (protocol) => {
      const front = await frontToHosts(protocol)
      const expected = { status: 200, body: `[${serviceHost}] /a` }
      expect(await ask(front, { ":authority": serviceHost, host: "evil.example" })).toEqual(expected)
      expect(await ask(front, { ":authority": serviceHost })).toEqual(expected)
      expect((await ask(front, { ":authority": "nobody.localhost", host: serviceHost })).status).toBe(404)
      expect((await ask(front, { ":authority": `a@${serviceHost}` })).status).toSatisfy(isRefused)
      expect((await ask(front, { ":authority": serviceHost, ":path": `http://${serviceHost}/` })).status).toSatisfy(
        isRefused
      )
      expect((await ask(front, { ":authority": "api.localhost", host: serviceHost })).body).toBe("api at api.localhost")
    }
  )
})

describe("curl", () => {
  it("reaches a service by its own host, by a proxy's absolute form, and over HTTP/2", async () => {
    const { address } = await frontToHosts()
    const url = `http://127.0.0.1:${address.port}`
    const curl = async (...args: ReadonlyArray<string>) =>
      (await promisify(execFile)("curl", ["-sS", "--max-time", "20", ...args])).stdout
    expect(await curl("-H", `Host: ${serviceHost}`, `${url}/a`)).toBe(`[${serviceHost}] /a`)
    expect(await curl("-x", url, `http://${serviceHost}/a`)).toBe(`[${serviceHost}] /a`)
    expect(await curl("-x", url, "-H", "Host: evil.example", `http://${serviceHost}/a`)).toBe(`[${serviceHost}] /a`)
    expect(await curl("--http2-prior-knowledge", "-H", `Host: ${serviceHost}`, `${url}/a`)).toBe(`[${serviceHost}] /a`)
  })
})
