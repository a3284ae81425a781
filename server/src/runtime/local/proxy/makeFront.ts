import type { IncomingMessage, Server } from "node:http"
import { createServer as createHttp2, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2"
import type { AddressInfo } from "node:net"
import { Http1Downstream, Http2Downstream } from "./Downstream.ts"
import { exchange, refuse, type Upstreams } from "./Exchange.ts"
import { Http1Upstream } from "./Http1Upstream.ts"
import { Http2Upstream } from "./Http2Upstream.ts"
import { hostName } from "./headers.ts"
import { type Listener, type ListenerHandlers, listen } from "./Listener.ts"
import { ProxyCounters } from "./ProxyCounters.ts"
import { noHost, noService, noSuchTarget, type Refusal, unknownCoding, unknownHost } from "./problem.ts"
import type { Lookup, Route } from "./Route.ts"
import { refuseUnreadable, refuseUpgrade, tunnel } from "./tunnel.ts"

export { PortTaken } from "./Listener.ts"

interface Target {
  readonly host: string
  readonly path: string
}

/** Host and path of a request, by its target in origin or absolute form (RFC 9112, 3.2). */
const targetOf = (url: string, host: string | undefined): Target | undefined => {
  if (url.startsWith("/") || url === "*") return { host: host ?? "", path: url }
  const match = /^https?:\/\/([^/?#@]+)([/?][^#]*)?/i.exec(url)
  if (match?.[1] === undefined) return undefined
  const path = match[2] ?? "/"
  return { host: match[1], path: path.startsWith("/") ? path : `/${path}` }
}

/** Finds what serves a host: a route, the API (`undefined`), or a refusal. */
type Serve = (host: string) => Route | Refusal | undefined

const isRoute = (served: Route | Refusal): served is Route => "acquire" in served

const handlersOf = (upstreams: Upstreams, serve: Serve, api: Server | undefined): ListenerHandlers => {
  // Only used to make HTTP/2 streams into requests and responses as the API takes them; it never listens.
  const http2Api = createHttp2((request, response) => api?.emit("request", request, response))
  const find = (request: IncomingMessage, target: Target | undefined): Route | Refusal | undefined => {
    if (target === undefined) return noSuchTarget
    const coding = request.headers["transfer-encoding"]
    if (coding !== undefined && coding.toLowerCase() !== "chunked") return unknownCoding
    if (request.headers.host === undefined && request.httpVersion === "1.1") return noHost
    const served = serve(hostName(target.host))
    if (served !== undefined) return served
    if ((request.headersDistinct.host?.length ?? 0) > 1) return noHost
    // Whoever reads the request next is to believe its target, not the header (RFC 9112, 3.2.2).
    request.headers.host = target.host
    request.url = target.path
    return undefined
  }
  return {
    onRequest: (request, response, waitsForContinue) => {
      const target = targetOf(request.url ?? "", request.headers.host)
      const served = find(request, target)
      if (served === undefined) {
        api?.emit(
          waitsForContinue && api.listenerCount("checkContinue") > 0 ? "checkContinue" : "request",
          request,
          response
        )
        return
      }
      const down = new Http1Downstream(request, response, target ?? { host: "", path: "/" }, waitsForContinue)
      if (isRoute(served)) exchange(upstreams, served, down)
      else refuse(down, served)
    },
    onUpgrade: (request, socket, head) => {
      const target = targetOf(request.url ?? "", request.headers.host)
      const served = find(request, target)
      if (served === undefined) {
        if (api?.emit("upgrade", request, socket, head) !== true) refuseUpgrade(request, socket, noUpgrade)
      } else if (!isRoute(served) || target === undefined) {
        socket.on("error", () => socket.destroy())
        refuseUpgrade(request, socket, isRoute(served) ? noSuchTarget : served)
      } else tunnel(upstreams, served, request, socket, head, target)
    },
    onConnect: (request, socket) => {
      socket.on("error", () => socket.destroy())
      refuseUpgrade(request, socket, noSuchTarget)
    },
    onUnreadable: (error, socket) => {
      if (api?.emit("clientError", error, socket) !== true) refuseUnreadable(error.code, socket)
    },
    onStream: (stream, headers, flags, raw) => {
      const target = targetOf(headers[":path"] ?? "", headers[":authority"] ?? headers.host)
      const served = target === undefined ? noSuchTarget : serve(hostName(target.host))
      if (served === undefined) {
        http2Api.emit("stream", stream, headers, flags, raw)
        return
      }
      const down = http2Downstream(stream, headers, target ?? { host: "", path: "/" })
      if (isRoute(served)) exchange(upstreams, served, down)
      else refuse(down, served)
    }
  }
}

const http2Downstream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, target: Target) =>
  new Http2Downstream(stream, headers, { ...target, method: headers[":method"] ?? "GET" })

const noUpgrade: Refusal = {
  status: 400,
  slug: "invalid-request",
  detail: "The API takes no upgrades.",
  retryAfterSeconds: undefined
}

const makeUpstreams = (counters: ProxyCounters | undefined) => {
  const http1 = new Http1Upstream()
  const h2c = new Http2Upstream()
  return { http1, h2c, counters: counters ?? new ProxyCounters() }
}

const closing = (listener: Listener, upstreams: Upstreams) => async (graceMs: number) => {
  await listener.close(graceMs)
  upstreams.http1.close()
  upstreams.h2c.close()
}

export interface Front {
  readonly address: AddressInfo
  readonly counters: ProxyCounters
  /** Takes no more connections, lets requests end for `graceMs`, then ends what is left. */
  readonly close: (graceMs: number) => Promise<void>
}

/**
 * The one port of the server: the API where `isApiHost` says so, else the service that has the host. Speaks HTTP/1.1 (WebSocket
 * and other upgrades too) and HTTP/2 with prior knowledge. An unknown host is answered 404. Hosts are given in lower case without
 * a port. Rejects with `PortTaken`.
 */
export const makeFront = async (options: {
  readonly host: string
  readonly port: number
  readonly lookup: Lookup
  readonly isApiHost: (host: string) => boolean
  /** Gets the API's requests and upgrades as events; it need not listen itself. */
  readonly api: Server
  readonly counters?: ProxyCounters
  /** Time for the whole head of a request. @default 20 seconds */
  readonly headMs?: number
}): Promise<Front> => {
  const upstreams = makeUpstreams(options.counters)
  const serve: Serve = (host) => (options.isApiHost(host) ? undefined : (options.lookup(host) ?? unknownHost(host)))
  const listener = await listen(options, handlersOf(upstreams, serve, options.api))
  return { address: listener.address, counters: upstreams.counters, close: closing(listener, upstreams) }
}

export interface Link {
  readonly port: number
  readonly close: () => Promise<void>
}

/** A listener whose every request goes to one route, whatever its host: how one service calls another. Rejects with `PortTaken`. */
export const openLink = async (options: {
  /** Undefined: the service does not run now; answered 503. */
  readonly route: () => Route | undefined
  readonly host: string
  readonly port?: number
  /** From which addresses connections are taken. @default all */
  readonly accepts?: (remoteAddress: string) => boolean
  readonly counters?: ProxyCounters
}): Promise<Link> => {
  const upstreams = makeUpstreams(options.counters)
  const handlers = handlersOf(upstreams, () => options.route() ?? noService, undefined)
  const listener = await listen({ host: options.host, port: options.port ?? 0, accepts: options.accepts }, handlers)
  const close = closing(listener, upstreams)
  return { port: listener.address.port, close: () => close(0) }
}
