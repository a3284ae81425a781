import { createHash } from "node:crypto"
import { request as httpRequest, type IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { expect, it } from "@effect/vitest"
import { frontTo, http1Instance, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"

const bytes = 2 ** 30

/** A GB of varying data. */
const source = () =>
  Readable.from(
    (function* () {
      const chunk = Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 7) & 0xff))
      for (let sent = 0; sent < bytes; sent += chunk.length) yield chunk
    })()
  )

it("carries 1 GB up and down in constant memory", { timeout: 300_000 }, async () => {
  const { port, server } = await http1Instance((request, response) => request.pipe(response))
  const route = new TestRoute([port], { timeoutMs: 60_000 })
  const front = await frontTo(route)
  const expected = createHash("md5")
  for await (const chunk of source()) expected.update(chunk)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = httpRequest(
      { host: "127.0.0.1", port: front.address.port, method: "POST", headers: { host: serviceHost } },
      resolve
    )
    request.on("error", reject)
    source().pipe(request)
  })
  const received = createHash("md5")
  const resident: Array<number> = []
  for await (const chunk of response) {
    received.update(chunk)
    resident.push(process.memoryUsage.rss())
  }
  expect(received.digest("hex")).toBe(expected.digest("hex"))
  const warm = Math.max(...resident.slice(0, Math.trunc(resident.length / 10)))
  expect(Math.max(...resident.slice(Math.trunc(resident.length / 10))) - warm).toBeLessThan(64 * 2 ** 20)
  expect(route.released).toBe(1)
  await front.close(0)
  server.close()
})
