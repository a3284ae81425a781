import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { createServer, type IncomingMessage, request } from "node:http"
import { createServer as createTlsServer } from "node:https"
import { type AddressInfo, connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Duplex } from "node:stream"

export interface TestProxy extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Its requests in order: `CONNECT cloud.test:443`, `GET http://cloud.test/`. */
  readonly asked: ReadonlyArray<string>
}

export interface TestProxyOptions {
  /** The port of this machine for a host; undefined if the proxy refuses it. */
  readonly route: (host: string, port: number) => number | undefined
  /** The credentials that it requires, as `user:password`. */
  readonly credentials?: string
  readonly tls?: { readonly key: string; readonly cert: string }
}

/** A small HTTP proxy on loopback, with CONNECT tunnels and plain requests in absolute form. */
export const startTestProxy = async ({ credentials, route, tls }: TestProxyOptions): Promise<TestProxy> => {
  const asked: Array<string> = []
  const sockets = new Set<Duplex>()
  const refusal = (message: IncomingMessage, host: string, port: number): number | undefined => {
    const sent = Buffer.from(message.headers["proxy-authorization"]?.replace(/^Basic /, "") ?? "", "base64").toString()
    if (credentials !== undefined && sent !== credentials) return 407
    return route(host, port) === undefined ? 403 : undefined
  }
  const server = tls === undefined ? createServer() : createTlsServer(tls)
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket)).on("error", () => {})
  })
  server.on("connect", (message: IncomingMessage, socket: Duplex, head: Buffer) => {
    asked.push(`CONNECT ${message.url}`)
    const { hostname, port } = new URL(`http://${message.url}`)
    const refused = refusal(message, hostname, Number(port === "" ? 80 : port))
    if (refused !== undefined) return socket.end(`HTTP/1.1 ${refused} Refused\r\ncontent-length: 0\r\n\r\n`)
    const up = connect(route(hostname, Number(port === "" ? 80 : port)) ?? 0, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n")
      up.write(head)
      up.pipe(socket).pipe(up)
    })
    up.on("error", () => socket.destroy())
    socket.on("error", () => up.destroy())
  })
  server.on("request", (message, response) => {
    asked.push(`${message.method} ${message.url}`)
    const url = URL.canParse(message.url ?? "") ? new URL(message.url ?? "") : new URL("http://nowhere.invalid")
    const port = Number(url.port === "" ? 80 : url.port)
    const refused = refusal(message, url.hostname, port)
    if (refused !== undefined) return void response.writeHead(refused).end()
    const { "proxy-authorization": _, ...headers } = message.headers
    const up = request(
      {
        host: "127.0.0.1",
        port: route(url.hostname, port),
        method: message.method,
        path: url.pathname + url.search,
        headers
      },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      }
    )
    up.on("error", () => response.destroy())
    message.pipe(up)
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${tls === undefined ? "http" : "https"}://${credentials === undefined ? "" : `${credentials}@`}127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** A port on which nothing listens. */
export const deadPort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A private certificate authority, and its certificate for some names. */
export const privateAuthority = (...names: ReadonlyArray<string>) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-authority-"))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", [...args], { stdio: "ignore" })
  const ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
  openssl(
    "req",
    "-x509",
    ...ec,
    "-days",
    "2",
    "-subj",
    "/CN=A private authority",
    "-keyout",
    file("ca.key"),
    "-out",
    file("ca.pem")
  )
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(",")
  openssl(
    ...["req", "-x509", ...ec, "-days", "2", "-subj", "/CN=a server", "-addext", `subjectAltName=${alternatives}`],
    ...["-addext", "basicConstraints=critical,CA:FALSE", "-CA", file("ca.pem"), "-CAkey", file("ca.key")],
    ...["-keyout", file("key.pem"), "-out", file("cert.pem")]
  )
  return {
    file: file("ca.pem"),
    tls: { key: readFileSync(file("key.pem"), "utf8"), cert: readFileSync(file("cert.pem"), "utf8") },
    remove: () => rmSync(folder, { recursive: true, force: true })
  }
}
