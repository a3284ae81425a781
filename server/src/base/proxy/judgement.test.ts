import { createServer } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { http1Text } from "../../../test/proxy/fuzz.ts"
import { ask2, frontTo, rawExchange, rawInstance, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const closers: Array<() => unknown> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** A front to an instance that answers everything with these bytes, and closes. */
const frontToBytes = async (bytes: string): Promise<Front> => {
  const server = createServer((socket) => {
    socket.on("error", () => {})
    socket.on("data", (chunk) => {
      if (chunk.includes("\r\n\r\n")) socket.end(bytes, "latin1")
    })
  })
  const front = await frontTo(new TestRoute([await rawInstance(server)], { timeoutMs: 3_000 }))
  closers.push(
    () => server.close(),
    () => front.close(0)
  )
  return front
}

const host = `Host: ${serviceHost}\r\nConnection: close\r\n`
/** Requests whose answers have a body, in every way that leads to an instance over HTTP/1.1. */
const requests = {
  GET: `GET / HTTP/1.1\r\n${host}\r\n`,
  "GET with a body": `GET / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  DELETE: `DELETE / HTTP/1.1\r\n${host}\r\n`,
  POST: `POST / HTTP/1.1\r\n${host}Content-Length: 2\r\n\r\nhi`,
  PUT: `PUT / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  upgrade: `GET / HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n`
}

const statusOf = (text: string) => Number(/^HTTP\/1\.1 ([2-5]\d\d)/m.exec(text)?.[1] ?? 0)

/** The status that each kind of caller gets. */
const verdicts = async (front: Front): Promise<Record<string, number>> => {
  const found: Record<string, number> = {}
  for (const [kind, bytes] of Object.entries(requests))
    found[kind] = statusOf(await rawExchange(front.address.port, bytes))
  for (const method of ["GET", "POST"]) {
    found[`${method} by HTTP/2`] = (await ask2(front.address.port, { ":method": method })).status
  }
  return found
}

const same = (found: Record<string, number>) => new Set(Object.values(found))

describe("an instance's answer", () => {
  it.each([
    ["a reason in UTF-8", "HTTP/1.1 200 \xc3\xbcber\r\nContent-Length: 2\r\n\r\nok", 200],
    ["a reason in Latin-1", "HTTP/1.1 200 \xfcber\r\nContent-Length: 2\r\n\r\nok", 200],
    ["a control character in a field", "HTTP/1.1 200 OK\r\nX-A: \x01\r\nContent-Length: 2\r\n\r\nok", 502],
    ["bare line feeds", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 502],
    ["status 099", "HTTP/1.1 099 OK\r\nContent-Length: 2\r\n\r\nok", 502],
    ["a head of 17 KB", `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(17_000)}\r\nContent-Length: 2\r\n\r\nok`, 200],
    ["a head above 64 KiB", `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(66_000)}\r\nContent-Length: 2\r\n\r\nok`, 502],
    ["bytes beyond its length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\n\r\n", 200],
    ["garbage beyond its length", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok garbage", 200],
    ["equal lengths twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 502],
    ["another answer in its place", "HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n", 502]
  ])("with %s is treated alike for every method and version", async (_, bytes, expected) => {
    const found = await verdicts(await frontToBytes(bytes))
    expect(found).toEqual(Object.fromEntries(Object.keys(found).map((kind) => [kind, expected])))
  })

  it("is treated alike for every method and version, whatever it is", async () => {
    await fc.assert(
      fc.asyncProperty(http1Text, async (bytes) => {
        const found = await verdicts(await frontToBytes(bytes))
        const note = JSON.stringify([bytes.slice(0, 500), found])
        expect(same(found).size, note).toBe(1)
        for (const close of closers.splice(0)) await close()
      }),
      { numRuns: 300 }
    )
  }, 60_000)
})
