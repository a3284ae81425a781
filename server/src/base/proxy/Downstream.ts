import { type IncomingMessage, type ServerResponse, STATUS_CODES } from "node:http"
import type { ServerHttp2Stream } from "node:http2"
import type { Duplex } from "node:stream"
import { type Fault, guardedBy, trying } from "../node/guarded.ts"
import { messageHead, type RawHeaders } from "./headers.ts"

/** The caller's side of an upgrade. */
export interface Tunnel {
  /** The protocols that it offers, unchanged. */
  readonly offered: string
  /** Answers `101` with these fields and joins the two connections. `onEnd` is called once, when both have closed. */
  readonly join: (
    answer: { readonly reason: string; readonly headers: RawHeaders },
    instance: Duplex,
    head: Buffer,
    onEnd: () => void
  ) => void
}

/** The caller's side of one request, in any version of HTTP. */
export interface Downstream {
  readonly method: string
  /** In origin form: begins with `/`, or is `*`. */
  readonly path: string
  /** The authority of the request's target, with its port. */
  readonly host: string
  /** Without pseudo fields. */
  readonly rawHeaders: RawHeaders
  readonly remoteAddress: string | undefined
  readonly hasBody: boolean
  /** May a request stay open and silent beside its response for as long as both sides like (gRPC)? */
  readonly fullDuplex: boolean
  readonly body: IncomingMessage | ServerHttp2Stream
  /** Undefined except for upgrades. */
  readonly tunnel: Tunnel | undefined
  /** A byte of the final response may have been sent, so no other response is possible. */
  readonly begun: boolean
  /**
   * Called once, when the caller is gone or has its whole response. Here and below, the caller of a method guards its
   * listeners.
   */
  readonly onClose: (guardedListener: () => void) => void
  readonly onDrain: (guardedListener: () => void) => void
  /** Trailers after the request's body. */
  readonly requestTrailers: () => RawHeaders
  /** The instance reads the body now: a caller that waits for `100 Continue` may send it. */
  readonly letBodyCome: () => void
  /**
   * Fields from `parseInformational`. Dropped if the caller can't receive them now: informational answers are optional.
   */
  readonly informational: (status: number, headers: RawHeaders) => void
  /** `bodyless`: nothing follows, not even trailers. */
  readonly head: (status: number, message: string, headers: Array<string>, bodyless: boolean) => void
  /** Sends the head now, before there's a body. */
  readonly flush: () => void
  /** False: wait for drain. */
  readonly write: (chunk: Buffer) => boolean
  /** `trailers` are dropped if the framing has no room for them, as HTTP allows. */
  readonly end: (chunk: Buffer | undefined, trailers: RawHeaders) => void
  /** Aborts the response, so that the caller sees that it's incomplete. */
  readonly destroy: () => void
}

/** How much of an unwanted request body is read before the connection is closed. */
const lingerBytes = 1024 * 1024
const lingerMs = 5_000

/** Discards the rest of a body that was answered early, within bounds, so that the connection stays usable. */
const discardRest = (request: IncomingMessage): void => {
  if (request.complete || request.destroyed) return
  const { socket } = request
  const guarded = guardedBy(() => socket.destroy())
  let taken = 0
  let ending = false
  const end = () => {
    if (ending) return
    ending = true
    // Closing at once would reset the connection, and the caller could lose the unread response.
    socket.end()
    setTimeout(
      guarded(() => socket.destroy()),
      lingerMs
    ).unref()
  }
  const timer = setTimeout(guarded(end), lingerMs)
  timer.unref()
  request.on(
    "data",
    guarded((chunk: Buffer) => {
      taken += chunk.length
      if (taken > lingerBytes) end()
    })
  )
  request.on(
    "close",
    guarded(() => clearTimeout(timer))
  )
  request.resume()
}

const nothing: RawHeaders = []

export class Http1Downstream implements Downstream {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly rawHeaders: RawHeaders
  readonly hasBody: boolean
  readonly fullDuplex = false
  readonly tunnel = undefined
  readonly body: IncomingMessage
  readonly #response: ServerResponse
  #waitsForContinue: boolean

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    target: { readonly host: string; readonly path: string },
    waitsForContinue: boolean,
    fault: Fault
  ) {
    this.method = request.method ?? "GET"
    this.path = target.path
    this.host = target.host
    this.rawHeaders = request.rawHeaders
    this.body = request
    this.#response = response
    this.#waitsForContinue = waitsForContinue
    const length = request.headers["content-length"]
    this.hasBody = (length !== undefined && length !== "0") || request.headers["transfer-encoding"] !== undefined
    // Node reports a late write by this event. Without a listener, it would kill the process.
    response.on(
      "error",
      guardedBy(fault)(() => this.destroy())
    )
  }

  get remoteAddress(): string | undefined {
    return this.body.socket.remoteAddress
  }

  get begun(): boolean {
    return this.#response.headersSent
  }

  onClose(guardedListener: () => void): void {
    this.#response.once("close", guardedListener)
  }

  onDrain(guardedListener: () => void): void {
    this.#response.on("drain", guardedListener)
  }

  requestTrailers(): RawHeaders {
    return this.body.rawTrailers
  }

  letBodyCome(): void {
    if (!this.#waitsForContinue || this.#response.headersSent) return
    this.#waitsForContinue = false
    this.#response.writeContinue()
  }

  informational(status: number, headers: RawHeaders): void {
    // Node's own `writeEarlyHints` refuses links that RFC 8288 allows. HTTP/1.0 has no informational responses (RFC
    // 9110, 15.2).
    const { socket } = this.#response
    if (socket === null || !socket.writable || socket.writableNeedDrain) return
    if (this.#response.headersSent || this.body.httpVersionMinor === 0) return
    socket.write(messageHead(status, "", headers), "latin1")
  }

  head(status: number, message: string, headers: Array<string>, bodyless: boolean): void {
    // Node refuses a `Trailer` field if the framing has no room for trailers.
    const roomForTrailers = !bodyless && this.body.httpVersionMinor > 0
    for (let i = 0; i < headers.length; i += 2) {
      if (headers[i]?.length !== 7 || headers[i]?.toLowerCase() !== "trailer") continue
      if (roomForTrailers && !headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "content-length"))
        continue
      headers.splice(i, 2)
      i -= 2
    }
    // The caller was never told to send its body, so it's unclear what comes next on this connection (RFC 9110, 10.1.1).
    if (this.#waitsForContinue) headers.push("Connection", "close")
    this.#response.writeHead(status, message === "" ? (STATUS_CODES[status] ?? "") : message, headers)
  }

  flush(): void {
    this.#response.flushHeaders()
  }

  write(chunk: Buffer): boolean {
    return this.#response.write(chunk)
  }

  end(chunk: Buffer | undefined, trailers: RawHeaders): void {
    if (trailers.length > 0) {
      const pairs: Array<[string, string]> = []
      for (let i = 0; i + 1 < trailers.length; i += 2) pairs.push([trailers[i] ?? "", trailers[i + 1] ?? ""])
      this.#response.addTrailers(pairs)
    }
    if (chunk === undefined) this.#response.end()
    else this.#response.end(chunk)
    if (this.hasBody && !this.#waitsForContinue) discardRest(this.body)
  }

  destroy(): void {
    this.body.socket.destroy()
  }
}

/** Raw fields of an HTTP/2 message, as Node gives them: names in lower case, repeated ones as arrays. */
export const rawHeadersOf = (headers: NodeJS.Dict<string | Array<string>>): Array<string> => {
  const raw: Array<string> = []
  for (const name of Object.keys(headers)) {
    const value = headers[name]
    if (name.startsWith(":") || value === undefined) continue
    if (Array.isArray(value)) for (const one of value) raw.push(name, one)
    else raw.push(name, String(value))
  }
  return raw
}

/** Fields in HTTP/2's form. */
export const http2Headers = (raw: RawHeaders): Record<string, string | Array<string>> => {
  // Without a prototype: "constructor" is a valid field name.
  const headers: Record<string, string | Array<string>> = Object.create(null)
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = (raw[i] ?? "").toLowerCase()
    const value = raw[i + 1] ?? ""
    const before = headers[name]
    if (before === undefined) headers[name] = value
    // Only these may be sent more than once. Node refuses repeats of single-valued fields.
    else if (name === "set-cookie" || name === "cookie") headers[name] = [before, value].flat()
    else headers[name] = `${[before].flat().join(", ")}, ${value}`
  }
  return headers
}

export class Http2Downstream implements Downstream {
  readonly method: string
  readonly path: string
  readonly host: string
  readonly rawHeaders: RawHeaders
  readonly hasBody: boolean
  readonly fullDuplex = true
  readonly tunnel = undefined
  readonly body: ServerHttp2Stream
  #waitsForContinue: boolean
  #trailers: RawHeaders = nothing
  #requestTrailers: RawHeaders = nothing

  constructor(
    stream: ServerHttp2Stream,
    headers: NodeJS.Dict<string | Array<string>>,
    target: { readonly host: string; readonly path: string; readonly method: string },
    fault: Fault
  ) {
    this.method = target.method
    this.path = target.path
    this.host = target.host
    this.body = stream
    this.hasBody = !stream.endAfterHeaders
    this.#waitsForContinue = headers.expect === "100-continue"
    this.rawHeaders = rawHeadersOf(headers)
    const guarded = guardedBy((cause) => {
      trying(() => stream.destroy())
      fault(cause)
    })
    stream.on(
      "trailers",
      guarded((trailers: NodeJS.Dict<string | Array<string>>) => {
        this.#requestTrailers = rawHeadersOf(trailers)
      })
    )
    stream.on(
      "wantTrailers",
      guarded(() => stream.sendTrailers(http2Headers(this.#trailers)))
    )
    // Nobody reads an absent body, and an unread stream never closes.
    if (!this.hasBody) stream.resume()
    stream.on(
      "error",
      guarded(() => stream.destroy())
    )
  }

  get remoteAddress(): string | undefined {
    return this.body.session?.socket.remoteAddress
  }

  get begun(): boolean {
    return this.body.headersSent
  }

  onClose(guardedListener: () => void): void {
    this.body.once("close", guardedListener)
  }

  onDrain(guardedListener: () => void): void {
    this.body.on("drain", guardedListener)
  }

  requestTrailers(): RawHeaders {
    return this.#requestTrailers
  }

  letBodyCome(): void {
    if (!this.#waitsForContinue || this.body.headersSent || this.body.destroyed) return
    this.#waitsForContinue = false
    this.body.additionalHeaders({ ":status": 100 })
  }

  informational(status: number, headers: RawHeaders): void {
    if (!this.body.headersSent && !this.body.destroyed && !this.body.closed)
      this.body.additionalHeaders({ ":status": status, ...http2Headers(headers) })
  }

  head(status: number, _message: string, headers: Array<string>, bodyless: boolean): void {
    if (this.body.destroyed || this.body.closed) return
    const fields = { ":status": status, ...http2Headers(headers) }
    this.body.respond(fields, bodyless ? { endStream: true } : { waitForTrailers: true })
  }

  /** HTTP/2 has sent it. */
  flush(): void {}

  write(chunk: Buffer): boolean {
    return this.body.write(chunk)
  }

  end(chunk: Buffer | undefined, trailers: RawHeaders): void {
    this.#trailers = trailers
    const stream = this.body
    if (this.hasBody && !stream.readableEnded) {
      // RFC 9113, 8.1: a complete response before the complete request is followed by a reset without an error.
      const guarded = guardedBy(() => stream.destroy())
      const close = guarded(() => stream.close())
      stream.once(
        "finish",
        guarded(() => setImmediate(close))
      )
      stream.resume()
    }
    if (stream.writableEnded) return
    if (chunk === undefined) stream.end()
    else stream.end(chunk)
  }

  destroy(): void {
    // Not `close`, which properly ends the data written so far and only then resets the stream.
    this.body.destroy(new Error("the instance aborted its response"))
  }
}
