import { randomBytes } from "node:crypto"
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http"
import { request as httpsRequest } from "node:https"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type Proxy, ProxyFailed } from "@maxcloud/sdk/proxy"
import { openTunnel } from "./openTunnel.ts"

export interface Relay extends AsyncDisposable {
  /** The proxy's URL through the relay. Its password is the relay's own, and worthless once the relay has stopped. */
  readonly urlOf: (proxy: Proxy) => string
}

const passwordOf = ({ headers }: IncomingMessage): string => {
  const [, sent = ""] = /^Basic (.+)$/i.exec(headers["proxy-authorization"] ?? "") ?? []
  return Buffer.from(sent, "base64").toString().split(":").at(-1) ?? ""
}

const tunnel = (proxy: Proxy | undefined, { url = "" }: IncomingMessage, socket: Duplex, head: Buffer) => {
  const refuse = (status: number) => socket.end(`HTTP/1.1 ${status} Refused\r\ncontent-length: 0\r\n\r\n`)
  socket.on("error", () => {})
  const place = URL.canParse(`http://${url}`) ? new URL(`http://${url}`) : undefined
  if (proxy === undefined) return refuse(407)
  if (place === undefined) return refuse(400)
  openTunnel(proxy, place.hostname.replace(/^\[|\]$/g, ""), Number(place.port === "" ? 80 : place.port)).then(
    (up) => {
      // Nobody else would close it: the caller's end has already been reported.
      if (socket.destroyed) return void up.on("error", () => {}).destroy()
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
      up.write(head)
      up.on("error", () => socket.destroy()).on("close", () => socket.destroy())
      socket.on("close", () => up.destroy())
      socket.pipe(up).pipe(socket)
    },
    (cause: unknown) =>
      refuse(
        cause instanceof ProxyFailed && /^4\d\d$/.test(cause.code) && cause.code !== "407" ? Number(cause.code) : 502
      )
  )
}

const forward = (proxy: Proxy | undefined, incoming: IncomingMessage, response: ServerResponse) => {
  if (proxy === undefined) return void response.writeHead(407).end()
  if (!/^http:\/\//i.test(incoming.url ?? "")) return void response.writeHead(400).end()
  const { hostname, port, protocol } = new URL(proxy.url)
  const up = (protocol === "https:" ? httpsRequest : httpRequest)({
    host: hostname.replace(/^\[|\]$/g, ""),
    port: port === "" ? (protocol === "https:" ? 443 : 80) : port,
    method: incoming.method ?? "GET",
    path: incoming.url ?? "",
    agent: false,
    headers: {
      ...incoming.headers,
      "proxy-authorization": proxy.authorization
    }
  })
  up.on("response", (answer) => {
    // The relay sends the right credential, so only the operator can fix a 407.
    response.writeHead(answer.statusCode === 407 ? 502 : (answer.statusCode ?? 502), answer.headers)
    answer.pipe(response)
  })
  up.on("error", () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  response.on("close", () => up.destroy())
  incoming.pipe(up)
}

/**
 * A loopback proxy that forwards to other proxies with their credentials: anybody with its URL can use them, but can't
 * learn the credentials. Stopping it closes all its connections.
 */
export const startRelay = async (): Promise<Relay> => {
  const proxies = new Map<string, Proxy>()
  const sockets = new Set<Socket>()
  const server = createServer((incoming, response) => forward(proxies.get(passwordOf(incoming)), incoming, response))
  server.on("connect", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
    tunnel(proxies.get(passwordOf(incoming)), incoming, socket, head)
  )
  server.on("connection", (socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    // Keep the handler: later errors, such as too many open files, must not stop the server.
    server.on("error", reject)
    server.listen(0, "127.0.0.1", resolve)
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    urlOf: (proxy) => {
      const password = randomBytes(16).toString("hex")
      proxies.set(password, proxy)
      return `http://build:${password}@127.0.0.1:${port}`
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
