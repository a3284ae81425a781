import { type ClientHttp2Session, connect, type Http2Stream } from "node:http2"
import { guardedBy } from "../node/guarded.ts"
import { outliveStream } from "../node/http2Handles.ts"
import { whenIdle } from "../node/http2Idle.ts"
import { type Attempt, type AttemptHandler, authorityOf, type Upstream } from "./Attempt.ts"
import { http2Headers } from "./Downstream.ts"
import { Http2Attempt, type StreamsConnection } from "./Http2Attempt.ts"
import { http2HeadOptions } from "./http2Heads.ts"

/** Below the idle times of common servers (hypercorn: 5 s). */
const idleMs = 4_000
/**
 * The window for data on its way to us on one connection: the default, 64 KiB, would bound a download by the round trip.
 */
const windowBytes = 4 * 1024 * 1024

/** Codes of a session that was just closed, or takes no more streams. */
const sessionGone = new Set(["ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_OUT_OF_STREAMS"])

interface Connection extends StreamsConnection {
  readonly session: ClientHttp2Session
  connected: boolean
  lastStream: number
  /** Requests to send once the connection is made. */
  readonly waiting: Array<() => void>
  readonly opened: (stream: Http2Stream) => void
}

/** HTTP/2 with prior knowledge (RFC 9113, 3.3) to instances, as gRPC servers speak it: one connection for each. */
export class Http2Upstream implements Upstream {
  readonly #connections = new Map<string, Connection>()

  send(attempt: Attempt, handler: AttemptHandler): void {
    const connection = this.#connection(authorityOf(attempt))
    const headers = http2Headers(attempt.headers)
    const authority = headers.host
    delete headers.host
    if (attempt.acceptsTrailers) headers.te = "trailers"
    const { body } = attempt
    let stream: ReturnType<ClientHttp2Session["request"]>
    try {
      stream = connection.session.request(
        {
          ...headers,
          ":method": attempt.method,
          ":path": attempt.path,
          ":scheme": "http",
          ...(authority === undefined ? {} : { ":authority": String(authority) })
        },
        { endStream: body === undefined, waitForTrailers: body !== undefined }
      )
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? String(cause.code) : "ERR_HTTP2"
      handler.onError(code, sessionGone.has(code) ? "unprocessed" : "invalid")
      return
    }
    const sending = new Http2Attempt(stream, connection, attempt, handler)
    sending.listen()
    connection.opened(stream)
    outliveStream(connection.session, stream)
    if (connection.connected) sending.sent()
    else connection.waiting.push(sending.sent)
  }

  close(): void {
    for (const { session } of this.#connections.values()) session.destroy()
    this.#connections.clear()
  }

  #connection(authority: string): Connection {
    const known = this.#connections.get(authority)
    if (known !== undefined && !known.session.closed && !known.session.destroyed) return known
    const session = connect(`http://${authority}`, {
      ...http2HeadOptions,
      settings: { ...http2HeadOptions.settings, initialWindowSize: windowBytes, enablePush: false }
    })
    const guarded = guardedBy(() => session.destroy())
    const opened = whenIdle(
      session,
      idleMs,
      guarded(() => {
        forget()
        session.close()
      })
    )
    const connection: Connection = {
      session,
      connected: false,
      lastStream: Number.POSITIVE_INFINITY,
      waiting: [],
      opened
    }
    const forget = guarded(() => {
      if (this.#connections.get(authority) === connection) this.#connections.delete(authority)
    })
    session.on(
      "connect",
      guarded(() => {
        connection.connected = true
        session.setLocalWindowSize(2 * windowBytes)
        for (const send of connection.waiting.splice(0)) send()
      })
    )
    session.on(
      "goaway",
      guarded((_code, lastStream) => {
        connection.lastStream = lastStream
        forget()
      })
    )
    session.on("close", forget)
    session.on("error", forget)
    this.#connections.set(authority, connection)
    return connection
  }
}
