import { type ClientHttp2Session, connect, constants, type Http2Stream, type IncomingHttpHeaders } from "node:http2"
import { guardedBy } from "../node/guarded.ts"
import { outliveStream } from "../node/http2Handles.ts"
import { whenIdle } from "../node/http2Idle.ts"
import { type Attempt, type AttemptHandler, authorityOf, type Upstream } from "./Attempt.ts"
import { Malformed, parseTrailers } from "./answer.ts"
import { http2Headers, rawHeadersOf } from "./Downstream.ts"
import type { RawHeaders } from "./headers.ts"
import { http2HeadOptions } from "./http2Heads.ts"

/** Below the idle times of the usual servers (hypercorn: 5 s). */
const idleMs = 4_000
/** As much as may be under way to us on one connection: 64 KiB, the default, would bound a download by the round trip. */
const windowBytes = 4 * 1024 * 1024

const endStream = 1

/** Codes of a session that has just been closed, or takes no more streams. */
const sessionGone = new Set(["ERR_HTTP2_INVALID_SESSION", "ERR_HTTP2_GOAWAY_SESSION", "ERR_HTTP2_OUT_OF_STREAMS"])

interface Connection {
  readonly session: ClientHttp2Session
  connected: boolean
  /** The last stream that the instance says it has taken on (GOAWAY); those above it it never began. */
  lastStream: number
  /** What is sent once the connection is made. */
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
    let over = false
    let trailers: RawHeaders = []
    const fail = (code: string) => {
      if (over) return
      over = true
      body?.destroy()
      const unprocessed =
        !connection.connected ||
        stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
        (stream.id ?? 0) > connection.lastStream
      handler.onError(code, unprocessed ? "unprocessed" : "dropped")
    }
    const end = () => {
      if (over) return
      over = true
      handler.onEnd(trailers)
      body?.destroy()
      if (!stream.writableEnded) stream.close(constants.NGHTTP2_NO_ERROR)
    }
    const abort = () => {
      over = true
      body?.destroy()
      stream.close(constants.NGHTTP2_CANCEL)
    }
    const guarded = guardedBy((cause) => {
      if (!stream.destroyed) stream.close(constants.NGHTTP2_CANCEL)
      fail(cause instanceof Error ? cause.message : "an exception")
    })
    stream.on(
      "headers",
      guarded((fields) => {
        if (!over) handler.onInformational(Number(fields[":status"]), rawHeadersOf(fields))
      })
    )
    stream.on(
      "response",
      guarded((fields: IncomingHttpHeaders, flags: number) => {
        if (over) return
        const ended = (flags & endStream) !== 0
        handler.onHead(Number(fields[":status"]), "", rawHeadersOf(fields), () => stream.resume(), ended)
      })
    )
    stream.on(
      "data",
      guarded((chunk: Buffer) => {
        if (!over && !handler.onData(chunk)) stream.pause()
      })
    )
    stream.on(
      "trailers",
      guarded((fields: IncomingHttpHeaders) => {
        trailers = rawHeadersOf(fields)
      })
    )
    stream.on(
      "wantTrailers",
      guarded(() => {
        const raw = parseTrailers(attempt.requestTrailers())
        if (raw instanceof Malformed) throw new Error(raw.code)
        stream.sendTrailers(http2Headers(raw))
      })
    )
    stream.on(
      "end",
      guarded(() => {
        if (stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted) end()
      })
    )
    stream.on(
      "error",
      guarded((error) => fail("code" in error ? String(error.code) : error.name))
    )
    stream.on(
      "close",
      guarded(() => fail(`HTTP/2 error ${stream.rstCode ?? 0}`))
    )
    connection.opened(stream)
    outliveStream(connection.session, stream)
    const sent = guarded(() => {
      if (over) stream.close(constants.NGHTTP2_CANCEL)
      else {
        handler.onSent(abort)
        body?.pipe(stream)
      }
    })
    if (connection.connected) sent()
    else connection.waiting.push(sent)
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
