import { createServer, type RequestListener, type Server } from "node:http"
import {
  connect as connect2,
  createServer as createHttp2,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders
} from "node:http2"
import { type AddressInfo, connect, type Server as NetServer } from "node:net"
import { type Front, makeFront } from "../../src/base/proxy/makeFront.ts"
import type { Lease, Route } from "../../src/base/proxy/Route.ts"

/** Parts for the proxy's tests: real servers as instances, and a front that leads to them. */

const listening = (server: NetServer): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  })

export interface TestInstance<S> {
  readonly server: S
  readonly port: number
}

export const http1Instance = async (listener: RequestListener): Promise<TestInstance<Server>> => {
  const server = createServer({ requestTimeout: 0 }, listener)
  return { server, port: await listening(server) }
}

export const http2Instance = async (setUp: (server: Http2Server) => void): Promise<TestInstance<Http2Server>> => {
  const server = createHttp2()
  setUp(server)
  return { server, port: await listening(server) }
}

/** A raw TCP server, for what no HTTP server would send. */
export const rawInstance = async (server: NetServer): Promise<number> => listening(server)

/** A route to ports, in turn, that counts taken and returned slots. */
export class TestRoute implements Route {
  readonly key = "org/local/api"
  readonly protocol: "http1" | "h2c"
  readonly timeoutMs: number
  ports: Array<number>
  taken = 0
  released = 0
  failures = 0
  answers = 0
  overdues = 0
  #turn = 0

  constructor(
    ports: Array<number>,
    options: { readonly protocol?: "http1" | "h2c"; readonly timeoutMs?: number } = {}
  ) {
    this.ports = ports
    this.protocol = options.protocol ?? "http1"
    this.timeoutMs = options.timeoutMs ?? 10_000
  }

  lease(port: number): Lease {
    this.taken++
    let released = false
    return {
      host: "127.0.0.1",
      port,
      release: () => {
        if (released) throw new Error("a slot was returned twice")
        released = true
        this.released++
      },
      answered: () => {
        this.answers++
      },
      overdue: () => {
        this.overdues++
      },
      failed: () => {
        if (released) throw new Error("a returned slot was reported as failed")
        this.failures++
        this.onFailed(port)
      }
    }
  }

  onFailed: (port: number) => void = () => {}

  acquire: Route["acquire"] = () => this.lease(this.ports[this.#turn++ % this.ports.length] ?? 1)
}

/** A front with the API at `api.localhost` and the route at `api--local.localhost`. */
export const frontTo = (
  route: Route | undefined,
  api: Server = createServer((_, response) => response.end("the api"))
): Promise<Front> =>
  makeFront({
    host: "127.0.0.1",
    port: 0,
    lookup: (host) => (host === "api--local.localhost" ? route : undefined),
    isApiHost: (host) => host === "api.localhost",
    api
  })

export const serviceHost = "api--local.localhost"

/** Sends bytes, and returns everything until the other side closes the connection or `until` appears. */
export const rawExchange = (port: number, bytes: string, until?: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes, "latin1"))
    let text = ""
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      if (until !== undefined && text.includes(until)) done()
    })
    socket.on("end", done)
    socket.on("error", reject)
  })

/** Sends a request over HTTP/2 on a separate connection. Without an answer the status is 0. */
export const ask2 = (
  port: number,
  headers: OutgoingHttpHeaders
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }> =>
  new Promise((resolve) => {
    const session = connect2(`http://127.0.0.1:${port}`, {
      maxSendHeaderBlockLength: 2 ** 20,
      maxHeaderListPairs: 2_000,
      settings: { maxHeaderListSize: 2 ** 20 }
    })
    let answer: IncomingHttpHeaders = {}
    let body = ""
    session.on("error", () => {})
    const stream = session.request({ ":authority": serviceHost, ":path": "/", ...headers })
    stream.on("response", (fields) => {
      answer = fields
    })
    stream.on("error", () => {})
    stream.on("data", (chunk) => {
      body += chunk
    })
    stream.on("close", () => {
      session.destroy()
      resolve({ status: Number(answer[":status"] ?? 0), headers: answer, body })
    })
    stream.end()
  })
