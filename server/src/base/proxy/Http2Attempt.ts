import type { ClientHttp2Stream } from "node:http2"
import { constants, type IncomingHttpHeaders } from "node:http2"
import { guardedBy } from "../node/guarded.ts"
import type { Attempt, AttemptHandler } from "./Attempt.ts"
import { Malformed, parseTrailers } from "./answer.ts"
import { http2Headers, rawHeadersOf } from "./Downstream.ts"
import type { RawHeaders } from "./headers.ts"

const endStream = 1

/** The connection of an attempt's stream. */
export interface StreamsConnection {
  readonly connected: boolean
  /** The last stream that the instance may have processed (GOAWAY). It never began those above it. */
  readonly lastStream: number
}

/** One attempt on its stream: passes events to its handler, and its end exactly once. */
export class Http2Attempt {
  readonly #stream: ClientHttp2Stream
  readonly #connection: StreamsConnection
  readonly #attempt: Attempt
  readonly #handler: AttemptHandler
  readonly #guarded = guardedBy((cause) => {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL)
    this.#fail(cause instanceof Error ? cause.message : "an exception")
  })
  #over = false
  #trailers: RawHeaders = []

  constructor(stream: ClientHttp2Stream, connection: StreamsConnection, attempt: Attempt, handler: AttemptHandler) {
    this.#stream = stream
    this.#connection = connection
    this.#attempt = attempt
    this.#handler = handler
  }

  /** The connection is made: sends the body. */
  readonly sent = this.#guarded(() => {
    if (this.#over) this.#stream.close(constants.NGHTTP2_CANCEL)
    else {
      this.#handler.onSent(() => this.#abort())
      this.#attempt.body?.pipe(this.#stream)
    }
  })

  listen(): void {
    const stream = this.#stream
    const guarded = this.#guarded
    stream.on(
      "headers",
      guarded((fields) => {
        if (!this.#over) this.#handler.onInformational(Number(fields[":status"]), rawHeadersOf(fields))
      })
    )
    stream.on(
      "response",
      guarded((fields: IncomingHttpHeaders, flags: number) => {
        if (this.#over) return
        const ended = (flags & endStream) !== 0
        this.#handler.onHead(Number(fields[":status"]), "", rawHeadersOf(fields), () => this.#stream.resume(), ended)
      })
    )
    stream.on(
      "data",
      guarded((chunk: Buffer) => {
        if (!this.#over && !this.#handler.onData(chunk)) this.#stream.pause()
      })
    )
    stream.on(
      "trailers",
      guarded((fields: IncomingHttpHeaders) => {
        this.#trailers = rawHeadersOf(fields)
      })
    )
    stream.on(
      "wantTrailers",
      guarded(() => {
        const raw = parseTrailers(this.#attempt.requestTrailers())
        if (raw instanceof Malformed) throw new Error(raw.code)
        this.#stream.sendTrailers(http2Headers(raw))
      })
    )
    stream.on(
      "end",
      guarded(() => {
        if (this.#stream.rstCode === constants.NGHTTP2_NO_ERROR && !this.#stream.aborted) this.#end()
      })
    )
    stream.on(
      "error",
      guarded((error) => this.#fail("code" in error ? String(error.code) : error.name))
    )
    stream.on(
      "close",
      guarded(() => this.#fail(`HTTP/2 error ${this.#stream.rstCode ?? 0}`))
    )
  }

  #fail(code: string): void {
    if (this.#over) return
    this.#over = true
    this.#attempt.body?.destroy()
    const unprocessed =
      !this.#connection.connected ||
      this.#stream.rstCode === constants.NGHTTP2_REFUSED_STREAM ||
      (this.#stream.id ?? 0) > this.#connection.lastStream
    this.#handler.onError(code, unprocessed ? "unprocessed" : "dropped")
  }

  #end(): void {
    if (this.#over) return
    this.#over = true
    this.#handler.onEnd(this.#trailers)
    this.#attempt.body?.destroy()
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  #abort(): void {
    this.#over = true
    this.#attempt.body?.destroy()
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }
}
