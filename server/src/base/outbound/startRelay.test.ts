import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, connect } from "node:net"
import type { Duplex } from "node:stream"
import { expect, it } from "@effect/vitest"
import { readProxy } from "@maxcloud/sdk/proxy"
import { startRelay } from "./startRelay.ts"

it("leaves no connection to a proxy that answers only after the relay has stopped", async () => {
  const asked = Promise.withResolvers<Duplex>()
  const proxy = createServer().on("connect", (_, socket) => asked.resolve(socket))
  proxy.listen(0, "127.0.0.1")
  await once(proxy, "listening")
  const { port } = proxy.address() as AddressInfo
  const relay = await startRelay()
  const url = new URL(relay.urlOf(readProxy("https_proxy", `http://ada:secret@127.0.0.1:${port}`)))
  const sent = Buffer.from(`${url.username}:${url.password}`).toString("base64")
  const caller = connect(Number(url.port), url.hostname).on("error", () => {})
  caller.write(`CONNECT cloud.test:443 HTTP/1.1\r\nhost: cloud.test\r\nproxy-authorization: Basic ${sent}\r\n\r\n`)
  const atProxy = await asked.promise
  await relay[Symbol.asyncDispose]()
  const ended = once(atProxy.resume(), "end")
  atProxy.write("HTTP/1.1 200 OK\r\n\r\n")
  await ended
  expect(atProxy.readableEnded).toBe(true)
  atProxy.destroy()
  proxy.close()
}, 10_000)
