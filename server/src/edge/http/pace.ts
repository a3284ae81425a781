import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { constants, Http2ServerResponse } from "node:http2"
import { RequestTimeout } from "@maxcloud/sdk/api"
import { guardedBy, trying } from "../../base/node/guarded.ts"
import { rawProblem } from "./problems.ts"

/** The slowest permitted pace of a caller. */
export interface Pace {
  /** Grace period in seconds, in which a body may be slower and an answer unread. */
  readonly graceSeconds: number
  /** Average bytes per second after the grace period. */
  readonly bytesPerSecond: number
}

/** Seconds for a whole body, however fast it arrives. */
const longestMs = 30 * 60_000
const tickMs = 1_000
/** Seconds for reading the refusal. */
const lingerMs = 1_000

type Response = ServerResponse | Http2ServerResponse

/** A request with an incomplete body or answer. */
interface Watched {
  readonly request: IncomingMessage
  readonly response: Response
  readonly since: number
  /** The caller's time for its body in milliseconds, not counting the time in which this server didn't read. */
  bodyMs: number
  bodyBytes: number
  refused: boolean
  /** The answer is sent; the rest of the body is still accepted. */
  answered: boolean
  /** Milliseconds for which bytes of the answer have waited without progress, and the amount flushed before. */
  blockedMs: number
  flushedBefore: number
}

const hasBody = ({ headers, httpVersionMajor }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined ||
  (headers["content-length"] === undefined ? httpVersionMajor > 1 : headers["content-length"] !== "0")

/** Bytes of the answer waiting, and bytes sent (with HTTP/2 we only know whether fewer are waiting than before). */
const outgoing = (response: Response): { readonly waiting: number; readonly flushed: number } => {
  if (response instanceof Http2ServerResponse) {
    const waiting = response.stream?.writableLength ?? 0
    return { waiting, flushed: -waiting }
  }
  const { socket } = response
  if (socket === null) return { waiting: 0, flushed: 0 }
  return {
    waiting: response.writableLength + socket.writableLength,
    flushed: socket.bytesWritten - socket.writableLength
  }
}

const cut = ({ request, response }: Watched): void => {
  if (response instanceof Http2ServerResponse) response.stream?.close(constants.NGHTTP2_CANCEL)
  else request.socket.destroy()
}

const refuse = (watched: Watched): void => {
  const { request, response } = watched
  watched.refused = true
  if (response.headersSent) {
    cut(watched)
    return
  }
  const error = new RequestTimeout({
    detail: "The request's body didn't arrive in time. Send it again over a faster connection."
  })
  const { body, headers, status } = rawProblem(error, request)
  if (response instanceof Http2ServerResponse) response.writeHead(status, headers)
  else response.writeHead(status, { ...headers, connection: "close" })
  response.end(body)
  setTimeout(
    guardedBy(() => {})(() => cut(watched)),
    lingerMs
  ).unref()
}

/**
 * Ends API requests with callers that are too slow. A body below the pace gets a 408, and an answer read below it is cut off.
 * Returns a function that stops this.
 */
export const keepPace = (server: Server, pace: Pace): (() => void) => {
  const open = new Set<Watched>()
  const allowedMs = (bytes: number) => (pace.graceSeconds + bytes / pace.bytesPerSecond) * 1_000

  const lookAtBody = (watched: Watched) => {
    const { request } = watched
    const hasEnded = request.complete || request.destroyed
    if (hasEnded && watched.answered) open.delete(watched)
    if (watched.refused || hasEnded) return
    // If the server has unread input, it's the server that is slow.
    if (request.readableLength === 0) watched.bodyMs += tickMs
    if (watched.bodyMs > allowedMs(watched.bodyBytes) || performance.now() - watched.since > longestMs) refuse(watched)
  }
  const lookAtAnswer = (watched: Watched) => {
    const { flushed, waiting } = outgoing(watched.response)
    if (waiting === 0) watched.blockedMs = 0
    if (watched.blockedMs === 0) watched.flushedBefore = flushed
    if (waiting === 0) return
    watched.blockedMs += tickMs
    if (watched.blockedMs > allowedMs(flushed - watched.flushedBefore)) cut(watched)
  }

  const onRequest = guardedBy(() => {})((request: IncomingMessage, response: ServerResponse) => {
    const watched: Watched = {
      request,
      response,
      since: performance.now(),
      bodyMs: 0,
      bodyBytes: 0,
      refused: false,
      answered: false,
      blockedMs: 0,
      flushedBefore: 0
    }
    if (hasBody(request)) {
      // Both parsers pass received data to this method. A "data" listener would start the flow.
      const push = request.push.bind(request)
      request.push = (chunk: unknown, encoding) => {
        if (chunk instanceof Uint8Array) watched.bodyBytes += chunk.length
        return push(chunk, encoding)
      }
    }
    open.add(watched)
    const forget = guardedBy(() => {})(() => {
      watched.answered = true
      if (request.complete || request.destroyed) open.delete(watched)
    })
    response.on(
      "error",
      guardedBy(() => {})(() => {})
    )
    response.once("close", forget)
  })
  server.prependListener("request", onRequest)
  const tick = guardedBy(() => {})(() => {
    for (const watched of open) {
      trying(() => lookAtBody(watched))
      trying(() => lookAtAnswer(watched))
    }
  })
  const timer = setInterval(tick, tickMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    server.off("request", onRequest)
  }
}
