import { createServer as createHttp1, type IncomingMessage, ServerResponse } from "node:http"
import {
  createServer as createHttp2,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream
} from "node:http2"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Data } from "effect"
import { type Fault, guardedBy, trying } from "../node/guarded.ts"
import { outliveStream } from "../node/http2Handles.ts"
import { whenIdle } from "../node/http2Idle.ts"
import { maxHeadBytes } from "./headers.ts"
import { http2HeadOptions } from "./http2Heads.ts"
import { InTurn } from "./inTurn.ts"

/** The port is taken. */
export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly host: string; readonly port: number }> {
  override get message() {
    return `Port ${this.port} on ${this.host} is taken by another program. End that program, or choose another port.`
  }
}

export interface ListenerHandlers {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => void
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly onConnect: (request: IncomingMessage, socket: Duplex) => void
  /** What came is no HTTP/1.1 that can be read; whoever takes it ends the socket. */
  readonly onUnreadable: (error: NodeJS.ErrnoException, socket: Duplex) => void
  readonly onStream: (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    flags: number,
    raw: Array<string>
  ) => void
}

export interface Listener {
  readonly address: AddressInfo
  /** Takes no more connections, lets requests end for `graceMs`, then ends what is left. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Time for a whole head, and for the first byte of a connection. */
const defaultHeadMs = 20_000
const idleMs = 60_000
const closingPollMs = 20
/** A silent connection is probed after it, ten times in as many seconds. */
const keepAliveProbeMs = 30_000
/** Time to read the answer, for who sent a body that cannot be read. */
const lingerMs = 1_000

/** First bytes of HTTP/2 with prior knowledge (RFC 9113, 3.4); no method of HTTP/1.1 begins so. */
const preface = "PRI"

/** What `Connection` says beyond the upgrade: names for this hop alone, and whether the connection goes on. */
const connectionOf = (request: IncomingMessage): string =>
  (request.headers.connection ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && !/^(upgrade|http2-settings)$/i.test(name))
    .join(", ")

/** A protocol that was offered and is not taken (RFC 9110, 7.8): the request is put back without the offer, to be answered in HTTP/1.1. */
const withoutUpgrade = (request: IncomingMessage, head: Buffer): Buffer => {
  let text = `${request.method} ${request.url} HTTP/${request.httpVersion}\r\n`
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? ""
    if (!/^(upgrade|http2-settings|connection)$/i.test(name)) text += `${name}: ${request.rawHeaders[i + 1]}\r\n`
  }
  const connection = connectionOf(request)
  if (connection !== "") text += `Connection: ${connection}\r\n`
  return Buffer.concat([Buffer.from(`${text}\r\n`, "latin1"), head])
}

const ignore = () => {}

const hasBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

/**
 * One port for HTTP/1.1, upgrades and HTTP/2 with prior knowledge. Connections from addresses that `accepts` refuses are hung
 * up on. Fails with `PortTaken`.
 */
export const listen = (
  options: {
    readonly host: string
    readonly port: number
    readonly headMs?: number
    readonly accepts?: ((remoteAddress: string) => boolean) | undefined
    /** Told what a handler has thrown; its connection is ended by then. */
    readonly onFault?: Fault
  },
  handlers: ListenerHandlers
): Promise<Listener> => {
  const { headMs = defaultHeadMs, host, port } = options
  const server = createHttp1({
    headersTimeout: headMs,
    connectionsCheckingInterval: headMs / 2,
    requestTimeout: 0,
    // Refused with a problem document, by whoever looks for the host.
    requireHostHeader: false,
    keepAliveTimeout: idleMs,
    maxHeaderSize: maxHeadBytes,
    noDelay: true,
    // A caller that vanished without a word is found, whatever it has open: a WebSocket, events, a download.
    keepAlive: true,
    keepAliveInitialDelay: keepAliveProbeMs
  })
  // Bounded by their bytes. Fields that were silently left out would be judged by nobody.
  server.maxHeadersCount = 0
  // Kept out of `listen`: it gets its connections from the sniffing below.
  const http2 = createHttp2({
    ...http2HeadOptions,
    settings: { ...http2HeadOptions.settings, initialWindowSize: 1024 * 1024, maxConcurrentStreams: 1_000 }
  })
  const takeHttp1 = server.listeners("connection")
  const sockets = new Set<Socket>()
  const sessions = new Set<ServerHttp2Session>()
  let closing = false

  const give = (socket: Socket, first: Buffer, http2Spoken: boolean) => {
    socket.pause()
    socket.unshift(first)
    if (http2Spoken) http2.emit("connection", socket)
    else {
      for (const take of takeHttp1) take.call(server, socket)
      socket.resume()
    }
  }
  const sniff = (socket: Socket) => {
    if (options.accepts?.(socket.remoteAddress ?? "") === false) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    const guarded = guardedBy((cause) => {
      trying(() => socket.destroy())
      options.onFault?.(cause)
    })
    let seen: Buffer | undefined
    const tooLate = guarded(() => socket.destroy())
    const stop = () => {
      socket.off("data", onData)
      socket.off("error", tooLate)
      socket.off("end", tooLate)
      socket.off("timeout", tooLate)
      socket.setTimeout(0)
    }
    const onData = guarded((chunk: Buffer) => {
      const bytes = seen === undefined ? chunk : Buffer.concat([seen, chunk])
      const start = bytes.toString("latin1", 0, preface.length)
      if (start.length < preface.length && preface.startsWith(start)) {
        seen = bytes
        return
      }
      stop()
      give(socket, bytes, start === preface)
    })
    socket.on(
      "close",
      guarded(() => sockets.delete(socket))
    )
    socket.on("error", tooLate)
    socket.on("end", tooLate)
    socket.setTimeout(headMs, tooLate)
    socket.on("data", onData)
  }
  server.removeAllListeners("connection")
  server.on(
    "connection",
    guardedBy(options.onFault ?? ignore)((socket) => sniff(socket))
  )

  /** What the handlers of one connection throw ends that connection. */
  const forSocket = (socket: { readonly destroy: () => unknown }) =>
    guardedBy((cause) => {
      trying(() => socket.destroy())
      options.onFault?.(cause)
    })
  const guardedBySocket =
    <A extends ReadonlyArray<unknown>>(
      handle: (request: IncomingMessage, ...rest: A) => void
    ): ((request: IncomingMessage, ...rest: A) => void) =>
    (request, ...rest) =>
      forSocket(request.socket)(() => handle(request, ...rest))()

  const inTurn = new InTurn()
  const take = (request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => {
    const guarded = forSocket(request.socket)
    inTurn.take(
      request,
      response,
      guarded(() => {
        if (closing) response.shouldKeepAlive = false
        handlers.onRequest(request, response, waitsForContinue)
      })
    )
  }
  server.on(
    "request",
    guardedBySocket((request, response: ServerResponse) => take(request, response, false))
  )
  server.on(
    "checkContinue",
    guardedBySocket((request, response: ServerResponse) => take(request, response, true))
  )
  // What else may be expected than 100-continue is unknown, and may be passed over (RFC 9110, 10.1.1).
  server.on(
    "checkExpectation",
    guardedBySocket((request, response: ServerResponse) => take(request, response, false))
  )
  server.on(
    "connect",
    guardedBySocket((request, socket: Duplex) => handlers.onConnect(request, socket))
  )
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const guarded = forSocket(socket)
    guarded(() => {
      const answering = "_httpMessage" in socket && socket._httpMessage instanceof ServerResponse && socket._httpMessage
      // Into a response that has begun, or before that of a request that was whole, no other can be written.
      const tooLate = answering && (answering.headersSent || answering.req.complete)
      if (tooLate || !socket.writable || error.code === "ECONNRESET") {
        socket.destroy()
        return
      }
      handlers.onUnreadable(error, socket)
      if (answering)
        setTimeout(
          guarded(() => socket.destroy()),
          lingerMs
        ).unref()
    })()
  })
  server.on(
    "upgrade",
    guardedBySocket((request, socket: Duplex, head: Buffer) => {
      // HTTP/2 is not offered so any more (RFC 9113, 3.1), HTTP/1.0 has no upgrades (RFC 9110, 7.8), and behind one is no room for a body.
      const { headers, httpVersion } = request
      if (headers.upgrade?.toLowerCase() !== "h2c" && httpVersion !== "1.0" && !hasBody(request)) {
        handlers.onUpgrade(request, socket, head)
        return
      }
      give(request.socket, withoutUpgrade(request, head), false)
    })
  )
  http2.on("session", (session) => {
    const guarded = forSocket(session)
    sessions.add(session)
    session.on(
      "close",
      guarded(() => sessions.delete(session))
    )
    session.on(
      "error",
      guarded(() => session.destroy())
    )
    const opened = whenIdle(
      session,
      idleMs * 5,
      guarded(() => session.close())
    )
    session.on("stream", guarded(opened))
  })
  http2.on("stream", (stream, headers, flags, raw) =>
    forSocket(stream)(() => {
      outliveStream(stream.session, stream)
      handlers.onStream(stream, headers, flags, raw)
    })()
  )

  const close = async (graceMs: number): Promise<void> => {
    closing = true
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    for (const session of sessions) session.close()
    const until = performance.now() + graceMs
    // Node does not tell when a connection becomes idle.
    while (sockets.size > 0 && performance.now() < until) {
      server.closeIdleConnections()
      await new Promise((resolve) => setTimeout(resolve, closingPollMs))
    }
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  return new Promise((resolve, reject) => {
    const refused = guardedBy(reject)((error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new PortTaken({ host, port }) : error)
    )
    server.once("error", refused)
    server.listen({ host, port, backlog: 1024 }, () => {
      const address = server.address()
      if (address === null || typeof address === "string") reject(new Error("The listener has no port."))
      else resolve({ address, close })
    })
  })
}
