import { type IncomingMessage, type RequestListener, ServerResponse } from "node:http"
import { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { type WebSocket, WebSocketServer } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"

/** A WebSocket request whose handshake isn't answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Duplex
  readonly head: Buffer
}

const waiting = new WeakMap<IncomingMessage, Upgrade>()

/** The upgrade of a request; undefined for an ordinary request. */
export const upgradeOf = (request: IncomingMessage): Upgrade | undefined => waiting.get(request)

/** The largest message of a client. */
const maxPayload = 1024 * 1024

/** Beyond this many unsent bytes, pings aren't answered: a client that pings without reading would fill the memory. */
const mostUnsent = 64 * 1024

const sockets = new WebSocketServer({
  noServer: true,
  autoPong: false,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload,
  handleProtocols: (offered) => [...offered][0] ?? false
})

/** RFC 6455, 5.5.3: a pong may answer only the latest of several pings. */
const answerPings = (socket: WebSocket): WebSocket => {
  const guarded = guardedBy(() => socket.terminate())
  return socket.on(
    "ping",
    guarded((data: Buffer) => {
      if (socket.bufferedAmount <= mostUnsent) socket.pong(data)
    })
  )
}

/** Answers the handshake. Later writes to the response go nowhere. */
export const acceptUpgrade = ({ head, request, response, socket }: Upgrade): Promise<WebSocket> => {
  waiting.delete(request)
  if (socket instanceof Socket) response.detachSocket(socket)
  return new Promise((resolve, reject) => {
    const gone = guardedBy(() => socket.destroy())(() => reject(new Error("The caller disconnected.")))
    socket.once("close", gone)
    sockets.handleUpgrade(request, socket, head, (accepted) => resolve(answerPings(accepted)))
  })
}

/**
 * Handles upgrade requests like any other: an unauthorized or invalid one gets an ordinary answer, and the connection closes. Its
 * handler takes over the connection with `acceptUpgrade`.
 */
export const upgradeListener =
  (handle: RequestListener) =>
  (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const guarded = guardedBy(() => socket.destroy())
    socket.on(
      "error",
      guarded(() => socket.destroy())
    )
    if (!(socket instanceof Socket)) return void socket.destroy()
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on(
      "finish",
      guarded(() => {
        if (waiting.has(request)) socket.end()
      })
    )
    waiting.set(request, { request, response, socket, head })
    guarded(() => handle(request, response))()
  }
