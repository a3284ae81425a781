import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http"
import type { Duplex } from "node:stream"
import { errorCode } from "../node/errorCode.ts"
import { guardedBy } from "../node/guarded.ts"
import type { Attempt, AttemptFailure, AttemptHandler, Upstream } from "./Attempt.ts"
import { Malformed, parseTrailers } from "./answer.ts"
import { headerValue, maxHeadBytes } from "./headers.ts"

/**
 * Below the idle times of common servers (gunicorn: 2 s, Node: 5 s), because a request on a connection that just ended
 * is lost.
 */
const idleMs = 1_000
/** For non-idempotent requests: a server's idle time may be unknown, so the connection must have just been used. */
const justUsedMs = 250
const connectMs = 5_000
/** How many connections may have ended unnoticed before the instance itself is in doubt. */
const maxStale = 3

/** RFC 9110, 9.2.1. */
const safe: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"])
/** Methods whose requests have no content by default. Others have to declare that they have none (RFC 9110, 8.6). */
const contentless: ReadonlySet<string> = new Set([...safe, "DELETE", "CONNECT"])

const makeAgent = (timeout: number) =>
  new Agent({ keepAlive: true, keepAliveMsecs: 30_000, maxSockets: Number.POSITIVE_INFINITY, timeout })

/**
 * Frames the request for the wire. `forwardRequest` removed the caller's `Transfer-Encoding`, and Node adds none by
 * itself for methods such as DELETE: the instance would mistake their body for the next request.
 */
const framed = ({ body, headers, method, upgrade }: Attempt): Array<string> => {
  if (upgrade !== undefined) return [...headers, "Connection", "Upgrade", "Upgrade", upgrade]
  if (headerValue(headers, "content-length") !== undefined) return headers
  if (body !== undefined) return [...headers, "Transfer-Encoding", "chunked"]
  return contentless.has(method) ? headers : [...headers, "Content-Length", "0"]
}

/** One request on one connection. */
class Sending {
  readonly #attempt: Attempt
  readonly #handler: AttemptHandler
  readonly #up: ClientRequest
  readonly #onStale: (() => void) | undefined
  /** Bytes of the request may have reached the instance. */
  #sent = false
  #over = false
  #response: IncomingMessage | undefined
  readonly #guarded = guardedBy((cause) => {
    this.#up.destroy()
    this.#fail(cause instanceof Error ? cause : new Error(String(cause)))
  })

  /** `onStale`: called instead of an error if a pooled connection turns out to have ended. */
  constructor(agent: Agent, attempt: Attempt, handler: AttemptHandler, onStale: (() => void) | undefined) {
    this.#attempt = attempt
    this.#handler = handler
    this.#onStale = onStale
    this.#up = request({
      host: attempt.host,
      port: attempt.port,
      method: attempt.method,
      path: attempt.path,
      headers: framed(attempt),
      agent,
      setHost: false,
      maxHeaderSize: maxHeadBytes,
      insecureHTTPParser: false
    })
    // Bounded by their bytes, not their number. Otherwise fields would be dropped silently and escape all checks.
    this.#up.maxHeadersCount = 0
    this.#listen()
  }

  #listen(): void {
    const up = this.#up
    up.on(
      "socket",
      this.#guarded((socket) => this.#onSocket(socket))
    )
    // Between requests the agent closes idle connections. During one, the route's own time limit applies.
    up.on(
      "timeout",
      this.#guarded(() => {})
    )
    up.on(
      "information",
      this.#guarded(({ rawHeaders, statusCode }) => {
        if (!this.#over && statusCode !== 100) this.#handler.onInformational(statusCode, rawHeaders)
      })
    )
    up.on(
      "upgrade",
      this.#guarded((response, socket, head) => this.#onUpgrade(response, socket, head))
    )
    up.on(
      "response",
      this.#guarded((response) => this.#onResponse(response))
    )
    up.on(
      "error",
      this.#guarded((error) => this.#fail(error))
    )
    up.on(
      "close",
      this.#guarded(() => {
        if (this.#response === undefined) this.#fail(new Error("the connection was closed"))
      })
    )
  }

  #onSocket(socket: Duplex & { readonly connecting?: boolean }): void {
    if (socket.connecting === true) {
      const slow = setTimeout(
        this.#guarded(() => void this.#up.destroy(new Error("connecting took too long"))),
        connectMs
      )
      const settled = this.#guarded(() => clearTimeout(slow))
      socket.once("close", settled)
      socket.once(
        "connect",
        this.#guarded(() => {
          clearTimeout(slow)
          this.#start()
        })
      )
    } else if (this.#up.reusedSocket) {
      // Check once what the kernel has, so that a connection's end that has already arrived is seen before anything is
      // written.
      setImmediate(
        this.#guarded(() => {
          if (!socket.destroyed && !socket.readableEnded) this.#start()
        })
      )
    } else this.#start()
  }

  #start(): void {
    if (this.#over || this.#up.destroyed) return
    this.#sent = true
    const { body } = this.#attempt
    this.#handler.onSent(() => {
      this.#over = true
      body?.destroy()
      this.#up.destroy()
    })
    if (this.#over) return
    if (body === undefined) {
      this.#up.end()
      return
    }
    this.#up.flushHeaders()
    body.on(
      "data",
      this.#guarded((chunk: Buffer) => {
        if (!this.#up.write(chunk)) body.pause()
      })
    )
    this.#up.on(
      "drain",
      this.#guarded(() => body.resume())
    )
    body.on(
      "end",
      this.#guarded(() => this.#endBody())
    )
  }

  #endBody(): void {
    const raw = parseTrailers(this.#attempt.requestTrailers())
    if (raw instanceof Malformed) throw new Error(raw.code)
    for (let i = 0; i + 1 < raw.length; i += 2) this.#up.addTrailers({ [raw[i] ?? ""]: raw[i + 1] ?? "" })
    this.#up.end()
  }

  #onUpgrade({ rawHeaders, statusMessage }: IncomingMessage, socket: Duplex, head: Buffer): void {
    const error = this.#guarded(() => socket.destroy())
    socket.on("error", error)
    if (this.#over || this.#attempt.upgrade === undefined) {
      socket.destroy()
      this.#end("it switches to a protocol that wasn't offered", "malformed")
      return
    }
    this.#over = true
    this.#handler.onSwitch(statusMessage ?? "", rawHeaders, socket, head)
  }

  #onResponse(response: IncomingMessage): void {
    if (this.#over) return
    this.#response = response
    const { statusCode = 0, statusMessage = "", rawHeaders } = response
    response.on(
      "error",
      this.#guarded((error) => this.#fail(error))
    )
    this.#handler.onHead(statusCode, statusMessage, rawHeaders, () => response.resume(), false)
    response.on(
      "data",
      this.#guarded((chunk: Buffer) => {
        if (!this.#over && !this.#handler.onData(chunk)) response.pause()
      })
    )
    response.on(
      "end",
      this.#guarded(() => {
        if (this.#over) return
        this.#over = true
        this.#handler.onEnd(response.rawTrailers)
        this.#attempt.body?.destroy()
        // Answered before the end of the request: the rest isn't sent, and the connection can't be reused.
        if (!this.#up.writableEnded) this.#up.destroy()
      })
    )
  }

  #fail(error: Error): void {
    // Bytes after a complete response aren't part of it, and its connection has ended by now.
    if (this.#over || this.#response?.complete === true) return
    const code = errorCode(error) ?? error.name
    if (!this.#sent && this.#up.reusedSocket && this.#onStale !== undefined) {
      this.#over = true
      this.#onStale()
    } else this.#end(code, code.startsWith("HPE_") ? "malformed" : this.#sent ? "dropped" : "unprocessed")
  }

  #end(code: string, failure: AttemptFailure): void {
    if (this.#over) return
    this.#over = true
    this.#attempt.body?.destroy()
    this.#handler.onError(code, failure)
  }
}

/** HTTP/1.1 to instances, and upgrades from it: keep-alive connections, one request at a time on each. */
export class Http1Upstream implements Upstream {
  readonly #idle = makeAgent(idleMs)
  readonly #justUsed = makeAgent(justUsedMs)

  send(attempt: Attempt, handler: AttemptHandler): void {
    this.#send(attempt, handler, maxStale)
  }

  #send(attempt: Attempt, handler: AttemptHandler, stale: number): void {
    const agent = safe.has(attempt.method) ? this.#idle : this.#justUsed
    const again = stale === 0 ? undefined : () => this.#send(attempt, handler, stale - 1)
    try {
      new Sending(agent, attempt, handler, again)
    } catch (cause) {
      handler.onError(cause instanceof Error ? (errorCode(cause) ?? cause.name) : String(cause), "invalid")
    }
  }

  close(): void {
    this.#idle.destroy()
    this.#justUsed.destroy()
  }
}
