import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from "node:http2"
import type { AddressInfo, Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Data } from "effect"
import { type Fault, guardedBy } from "../node/guarded.ts"
import { guardedFor } from "./connectionGuards.ts"
import { handleHttp1, makeHttp1Server } from "./http1Server.ts"
import { handleHttp2, makeHttp2Server } from "./http2Server.ts"
import { sniff } from "./sniff.ts"

/** The port is in use. */
export class PortTaken extends Data.TaggedError("PortTaken")<{ readonly host: string; readonly port: number }> {
  override get message() {
    return `Port ${this.port} on ${this.host} is in use by another program. Stop that program, or choose another port.`
  }
}

export interface ListenerHandlers {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => void
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  readonly onConnect: (request: IncomingMessage, socket: Duplex) => void
  /** The input isn't readable HTTP/1.1. The handler closes the socket. */
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
  /** Accepts no more connections, drains requests for `graceMs`, then closes the rest. */
  readonly close: (graceMs: number) => Promise<void>
}

/** Time for a complete head, and for the first byte of a connection. */
const defaultHeadMs = 20_000
const closingPollMs = 20

const ignore = () => {}

/** Accepts no more connections, and waits until the open ones have ended, or closes them. */
const closeAll = async (
  server: Server,
  sockets: ReadonlySet<Socket>,
  sessions: ReadonlySet<ServerHttp2Session>,
  graceMs: number
): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  for (const session of sessions) session.close()
  const until = performance.now() + graceMs
  // Node doesn't report when a connection becomes idle.
  while (sockets.size > 0 && performance.now() < until) {
    server.closeIdleConnections()
    await new Promise((resolve) => setTimeout(resolve, closingPollMs))
  }
  for (const session of sessions) session.destroy()
  for (const socket of sockets) socket.destroy()
  await closed
}

/**
 * One port for HTTP/1.1, upgrades and HTTP/2 with prior knowledge. Closes connections from addresses that `accepts`
 * refuses. Fails with `PortTaken`.
 */
export const listen = (
  options: {
    readonly host: string
    readonly port: number
    readonly headMs?: number
    readonly accepts?: ((remoteAddress: string) => boolean) | undefined
    /** Receives a handler's exceptions. The connection is closed by then. */
    readonly onFault?: Fault
  },
  handlers: ListenerHandlers
): Promise<Listener> => {
  const { headMs = defaultHeadMs, host, onFault, port } = options
  const server = makeHttp1Server(headMs)
  // Kept out of `listen`: it gets its connections from the sniffing below.
  const http2 = makeHttp2Server()
  const takeHttp1 = server.listeners("connection")
  const sockets = new Set<Socket>()

  const give = (socket: Socket, first: Buffer, http2Spoken: boolean) => {
    socket.pause()
    socket.unshift(first)
    if (http2Spoken) http2.emit("connection", socket)
    else {
      for (const take of takeHttp1) take.call(server, socket)
      socket.resume()
    }
  }
  const accept = (socket: Socket) => {
    if (options.accepts?.(socket.remoteAddress ?? "") === false) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    const guarded = guardedFor(socket, onFault)
    socket.on(
      "close",
      guarded(() => sockets.delete(socket))
    )
    sniff(socket, headMs, guarded, give)
  }
  server.removeAllListeners("connection")
  server.on(
    "connection",
    guardedBy(onFault ?? ignore)((socket) => accept(socket))
  )
  handleHttp1(server, handlers, onFault, (socket, first) => give(socket, first, false))
  const sessions = handleHttp2(http2, handlers.onStream, onFault)

  return new Promise((resolve, reject) => {
    const refused = guardedBy(reject)((error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? new PortTaken({ host, port }) : error)
    )
    server.once("error", refused)
    server.listen({ host, port, backlog: 1024 }, () => {
      const address = server.address()
      if (address === null || typeof address === "string") reject(new Error("The listener has no port."))
      else resolve({ address, close: (graceMs) => closeAll(server, sockets, sessions, graceMs) })
    })
  })
}
