import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { constants, Http2ServerResponse } from "node:http2"
import { guardedBy, trying } from "../../../base/node/guarded.ts"

type Response = ServerResponse | Http2ServerResponse

/** How long to accept the rest of a body after its answer. */
export interface ReadOnBounds {
  readonly bytes: number
  readonly ms: number
  /** How long to wait without receiving a byte. */
  readonly quietMs: number
}

/** More than the largest upload, so that a client that reads the answer only after sending everything still gets it. */
const overHttp1: ReadOnBounds = { bytes: 320 * 2 ** 20, ms: 60_000, quietMs: 2_000 }
/** HTTP/2 can tell a client to stop without losing the answer (RFC 9113, 8.1). */
const overHttp2: ReadOnBounds = { bytes: 16 * 2 ** 20, ms: 2_000, quietMs: 500 }

const tickMs = 100
/** How long a client that had more to send than we accept may still read the answer. */
const lingerMs = 1_000

const guarded = guardedBy(() => {})

const hasBody = ({ headers, httpVersionMajor }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined ||
  (headers["content-length"] === undefined ? httpVersionMajor > 1 : headers["content-length"] !== "0")

/** Reads and drops the rest of a body. Calls `done` with whether the body ended within the bounds. */
const readOn = (
  request: IncomingMessage,
  { bytes, ms, quietMs }: ReadOnBounds,
  read: () => number,
  done: (whole: boolean) => void
): void => {
  const since = performance.now()
  const before = read()
  let last = before
  let lastAt = since
  const ignore = guarded(() => {})
  request.on("error", ignore)
  request.on("data", ignore)
  // A reader interrupted midway would stop it from flowing.
  if (request.listenerCount("readable") > 0) request.removeAllListeners("readable")
  request.resume()
  const timer = setInterval(
    guarded(() => {
      const now = performance.now()
      const present = read()
      if (present !== last) lastAt = now
      last = present
      const ended = request.complete || request.destroyed
      if (!ended && present - before <= bytes && now - since <= ms && now - lastAt <= quietMs) return
      clearInterval(timer)
      done(ended)
    }),
    tickMs
  )
  timer.unref()
}

const watchHttp1 = (request: IncomingMessage, response: ServerResponse, bounds: ReadOnBounds) => {
  const { socket } = request
  const { destroySoon } = socket
  let reading = false
  const rest = (done: (whole: boolean) => void) => {
    reading = true
    readOn(request, bounds, () => socket.bytesRead, done)
  }
  // Node destroys a connection without keep-alive as soon as the answer is written. If the body is still arriving, that's a
  // reset, and the client loses the answer it hasn't read yet.
  socket.destroySoon = guarded(() => {
    socket.destroySoon = destroySoon
    if (request.complete || reading) return void destroySoon.call(socket)
    socket.end()
    rest(() => socket.destroy())
  })
  response.once(
    "finish",
    guarded(() => {
      if (request.complete || reading) return
      rest((whole) => {
        if (whole) return
        socket.end()
        setTimeout(
          guarded(() => socket.destroy()),
          lingerMs
        ).unref()
      })
    })
  )
  response.once(
    "close",
    guarded(() => {
      socket.destroySoon = destroySoon
    })
  )
}

const watchHttp2 = (request: IncomingMessage, response: Http2ServerResponse, bounds: ReadOnBounds) => {
  let bytes = 0
  const { stream } = response
  // The response's own "finish" fires only when the stream is closed.
  stream?.once(
    "finish",
    guarded(() => {
      if (request.complete || stream.destroyed) return
      stream.on(
        "data",
        guarded((chunk: Uint8Array) => {
          bytes += chunk.length
        })
      )
      readOn(
        request,
        bounds,
        () => bytes,
        (whole) => {
          if (!whole) stream.close(constants.NGHTTP2_NO_ERROR)
        }
      )
    })
  )
}

/**
 * Delivers answers that are sent before the request's body has ended (too large, no credential, no room). For every request of
 * this server, the rest of the body is read and dropped within bounds, and only then is the connection closed, if necessary.
 */
export const letEarlyAnswersArrive = (server: Server, bounds?: ReadOnBounds): void => {
  const watch = (request: IncomingMessage, response: Response) => {
    if (!hasBody(request)) return
    if (response instanceof Http2ServerResponse) watchHttp2(request, response, bounds ?? overHttp2)
    else watchHttp1(request, response, bounds ?? overHttp1)
  }
  server.prependListener(
    "request",
    guarded((request: IncomingMessage, response: Response) => trying(() => watch(request, response)))
  )
}

/**
 * Asks for the body (`100 Continue`) when a handler starts to read it. A request refused earlier isn't asked, and its connection
 * closes, because the server can't know whether the body comes anyway (RFC 9110, 10.1.1).
 */
export const continueWhenRead = (request: IncomingMessage, response: Response): void => {
  const kept = response instanceof Http2ServerResponse ? undefined : response.shouldKeepAlive
  if (!(response instanceof Http2ServerResponse)) response.shouldKeepAlive = false
  const read = request._read
  request._read = (size) => {
    request._read = read
    if (!response.headersSent) {
      if (!(response instanceof Http2ServerResponse)) response.shouldKeepAlive = kept ?? true
      response.writeContinue()
    }
    read.call(request, size)
  }
}
