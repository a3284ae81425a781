import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import type { Fault } from "../node/guarded.ts"
import { guardedByRequest, guardedFor } from "./connectionGuards.ts"
import { maxHeadBytes } from "./headers.ts"
import { InTurn } from "./inTurn.ts"
import type { ListenerHandlers } from "./Listener.ts"
import { withoutUpgrade } from "./withoutUpgrade.ts"

const idleMs = 60_000
/** A silent connection is probed after this time, ten times in as many seconds. */
const keepAliveProbeMs = 30_000
/** Time to read the answer, for a caller that sent an unreadable body. */
const lingerMs = 1_000

const hasBody = ({ headers }: IncomingMessage) =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0

export const makeHttp1Server = (headMs: number): Server => {
  const server = createServer({
    headersTimeout: headMs,
    connectionsCheckingInterval: headMs / 2,
    requestTimeout: 0,
    // The host lookup refuses them with a problem document.
    requireHostHeader: false,
    keepAliveTimeout: idleMs,
    maxHeaderSize: maxHeadBytes,
    noDelay: true,
    // Detects a caller that vanished silently, during a WebSocket, an event stream or a download.
    keepAlive: true,
    keepAliveInitialDelay: keepAliveProbeMs
  })
  // Bounded by their bytes, not their number. Otherwise fields would be dropped silently and escape all checks.
  server.maxHeadersCount = 0
  return server
}

/** Passes a server's requests to the handlers; `again` takes a connection whose request was put back. */
export const handleHttp1 = (
  server: Server,
  handlers: Omit<ListenerHandlers, "onStream">,
  onFault: Fault | undefined,
  again: (socket: Socket, first: Buffer) => void
): void => {
  const guarded = guardedByRequest(onFault)
  const inTurn = new InTurn()
  const take = (request: IncomingMessage, response: ServerResponse, waitsForContinue: boolean) => {
    inTurn.take(
      request,
      response,
      guardedFor(
        request.socket,
        onFault
      )(() => {
        // Then it's closing.
        if (!server.listening) response.shouldKeepAlive = false
        handlers.onRequest(request, response, waitsForContinue)
      })
    )
  }
  server.on(
    "request",
    guarded((request, response: ServerResponse) => take(request, response, false))
  )
  server.on(
    "checkContinue",
    guarded((request, response: ServerResponse) => take(request, response, true))
  )
  // Expectations other than 100-continue are unknown and may be ignored (RFC 9110, 10.1.1).
  server.on(
    "checkExpectation",
    guarded((request, response: ServerResponse) => take(request, response, false))
  )
  server.on(
    "connect",
    guarded((request, socket: Duplex) => handlers.onConnect(request, socket))
  )
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const guarded = guardedFor(socket, onFault)
    guarded(() => {
      const answering = "_httpMessage" in socket && socket._httpMessage instanceof ServerResponse && socket._httpMessage
      // Once a response has begun, or before the response to an earlier complete request, no other can be written.
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
    guarded((request, socket: Duplex, head: Buffer) => {
      // HTTP/2 is no longer offered like this (RFC 9113, 3.1), HTTP/1.0 has no upgrades (RFC 9110, 7.8), and an upgrade
      // has no place for a body.
      const { headers, httpVersion } = request
      if (headers.upgrade?.toLowerCase() !== "h2c" && httpVersion !== "1.0" && !hasBody(request)) {
        handlers.onUpgrade(request, socket, head)
        return
      }
      again(request.socket, withoutUpgrade(request, head))
    })
  )
}
