import type { IncomingMessage, Server } from "node:http"
import { createServer as createHttp2 } from "node:http2"
import type { AddressInfo } from "node:net"
import type { Duplex } from "node:stream"
import { guardedBy } from "../node/guarded.ts"
import { Http1Downstream, Http2Downstream } from "./Downstream.ts"
import { exchange, refuse, type Upstreams } from "./Exchange.ts"
import { Http1Upstream } from "./Http1Upstream.ts"
import { Http2Upstream } from "./Http2Upstream.ts"
import { hostName } from "./headers.ts"
import { type Listener, type ListenerHandlers, listen } from "./Listener.ts"
import { ProxyCounters } from "./ProxyCounters.ts"
import { noService, noSuchTarget, noUpgrade, type Refusal, unknownHost } from "./problem.ts"
import type { Lookup, Route } from "./Route.ts"
import { http1Target, http2Target, isTarget, type Target } from "./target.ts"
import { defaultTunnelLimits, type TunnelLimits } from "./tunnel.ts"
import { refuseUnreadable, refuseUpgrade, UpgradeDownstream } from "./UpgradeDownstream.ts"

export { PortTaken } from "./Listener.ts"

/** Finds the target of a host: a route, the API (`undefined`), or a refusal. */
type Serve = (host: string, path: string, method: string | undefined) => Route | Refusal | undefined

const isRoute = (served: Route | Refusal): served is Route => "acquire" in served

const handlersOf = (
  upstreams: Upstreams,
  serve: Serve,
  api: Server | undefined,
  tunnels: TunnelLimits
): ListenerHandlers => {
  // Only turns HTTP/2 streams into the API's kind of requests and responses; it never listens.
  const { counters, server } = upstreams
  const { fault } = counters
  const http2Api = createHttp2((request, response) => api?.emit("request", request, response))
  http2Api.on("checkContinue", (request, response) =>
    guardedBy(() => request.stream.close())(() => {
      api?.emit(api.listenerCount("checkContinue") > 0 ? "checkContinue" : "request", request, response)
    })()
  )
  /** Changes the API's request so that later readers use its target, not the field (RFC 9112, 3.2.2). */
  const find = (request: IncomingMessage, target: Target | Refusal): Route | Refusal | undefined => {
    if (!isTarget(target)) return target
    const served = serve(hostName(target.host), target.path, request.method)
    if (served === undefined) {
      request.headers.host = target.host
      request.url = target.path
    }
    return served
  }
  return {
    onRequest: (request, response, waitsForContinue) => {
      const target = http1Target(request)
      const served = find(request, target)
      if (served === undefined) {
        api?.emit(
          waitsForContinue && api.listenerCount("checkContinue") > 0 ? "checkContinue" : "request",
          request,
          response
        )
        return
      }
      const down = new Http1Downstream(request, response, isTarget(target) ? target : nowhere, waitsForContinue, fault)
      if (isRoute(served)) exchange(upstreams, served, down)
      else refuse(upstreams, down, served)
    },
    onUpgrade: (request, socket, head) => {
      const target = http1Target(request)
      const served = find(request, target)
      if (served === undefined) {
        if (api?.emit("upgrade", request, socket, head) !== true) refuseUpgrade(request, socket, noUpgrade, server())
      } else if (!isRoute(served) || !isTarget(target)) {
        destroyOnError(socket)
        refuseUpgrade(request, socket, isRoute(served) ? noSuchTarget : served, server())
      } else exchange(upstreams, served, new UpgradeDownstream(request, socket, head, target, tunnels, fault))
    },
    onConnect: (request, socket) => {
      destroyOnError(socket)
      refuseUpgrade(request, socket, noSuchTarget, server())
    },
    onUnreadable: (error, socket) => {
      if (api?.emit("clientError", error, socket) !== true) refuseUnreadable(error.code, socket, server())
    },
    onStream: (stream, headers, flags, raw) => {
      const target = http2Target(headers, raw)
      const served = isTarget(target) ? serve(hostName(target.host), target.path, headers[":method"]) : target
      if (served === undefined) {
        if (headers.host !== undefined && isTarget(target)) headers.host = target.host
        http2Api.emit("stream", stream, headers, flags, raw)
        return
      }
      const { host, path } = isTarget(target) ? target : nowhere
      const down = new Http2Downstream(stream, headers, { host, path, method: headers[":method"] ?? "GET" }, fault)
      if (isRoute(served)) exchange(upstreams, served, down)
      else refuse(upstreams, down, served)
    }
  }
}

const nowhere: Target = { host: "", path: "/" }

const destroyOnError = (socket: Duplex) =>
  socket.on(
    "error",
    guardedBy(() => {})(() => socket.destroy())
  )

const makeUpstreams = (
  counters: ProxyCounters | undefined,
  server: () => string | undefined
): Upstreams & {
  readonly http1: Http1Upstream
  readonly h2c: Http2Upstream
} => {
  const http1 = new Http1Upstream()
  const h2c = new Http2Upstream()
  return { http1, h2c, counters: counters ?? new ProxyCounters(), server }
}

const closing = (listener: Listener, upstreams: ReturnType<typeof makeUpstreams>) => async (graceMs: number) => {
  await listener.close(graceMs)
  upstreams.http1.close()
  upstreams.h2c.close()
}

export interface Front {
  readonly address: AddressInfo
  readonly counters: ProxyCounters
  /** Stops accepting connections, drains requests for `graceMs`, then closes the rest. */
  readonly close: (graceMs: number) => Promise<void>
}

/**
 * The server's only port: the API if `isApiHost` says so, else the service with that host. Speaks HTTP/1.1 (including
 * WebSocket and other upgrades) and HTTP/2 with prior knowledge. Answers 404 for an unknown host. Hosts are in lower
 * case without a port. Rejects with `PortTaken`.
 */
export const makeFront = async (options: {
  readonly host: string
  readonly port: number
  /** A refusal while the services aren't known yet. */
  readonly lookup: (host: string) => ReturnType<Lookup> | Refusal
  readonly isApiHost: (host: string) => boolean
  /** What another program answers below the API's host, by path. @default nothing */
  readonly beside?: (path: string, method: string) => Route | Refusal | undefined
  /** Gets the API's requests and upgrades as events. It doesn't need to listen itself. */
  readonly api: Server
  /** The URL of the API by the port: its pages explain problems. @default none: the type of problems is `about:blank` */
  readonly server?: (port: number) => string
  readonly counters?: ProxyCounters
  /** Time for the complete head of a request. @default 20 seconds */
  readonly headMs?: number
  readonly tunnels?: TunnelLimits
}): Promise<Front> => {
  const upstreams = makeUpstreams(options.counters, () => options.server?.(listener.address.port))
  const serve: Serve = (host, path, method = "GET") =>
    options.isApiHost(host) ? options.beside?.(path, method) : (options.lookup(host) ?? unknownHost(host))
  const listener = await listen(
    { ...options, onFault: upstreams.counters.fault },
    handlersOf(upstreams, serve, options.api, options.tunnels ?? defaultTunnelLimits)
  )
  return { address: listener.address, counters: upstreams.counters, close: closing(listener, upstreams) }
}

export interface Link {
  readonly port: number
  readonly close: () => Promise<void>
}

/**
 * A listener that sends every request to one route, for any host: services call each other through it. Rejects with
 * `PortTaken`.
 */
export const openLink = async (options: {
  /** Undefined: the service isn't running. Answers 503. */
  readonly route: () => Route | undefined
  readonly host: string
  readonly port?: number
  /** The addresses to accept connections from. @default all */
  readonly accepts?: (remoteAddress: string) => boolean
  readonly counters?: ProxyCounters
  readonly tunnels?: TunnelLimits
}): Promise<Link> => {
  const upstreams = makeUpstreams(options.counters, () => undefined)
  const { accepts, host, port = 0, tunnels = defaultTunnelLimits } = options
  const handlers = handlersOf(upstreams, () => options.route() ?? noService, undefined, tunnels)
  const listener = await listen({ host, port, accepts, onFault: upstreams.counters.fault }, handlers)
  const close = closing(listener, upstreams)
  return { port: listener.address.port, close: () => close(0) }
}
