import { type Dispatcher, Pool } from "undici"
import { guardedBy } from "../../../guarded.ts"
import { type Attempt, type AttemptFailure, type AttemptHandler, authorityOf, type Upstream } from "./Attempt.ts"
import { Http1BodyUpstream } from "./Http1BodyUpstream.ts"
import type { RawHeaders } from "./headers.ts"

const rawOf = (fields: ReadonlyArray<Buffer | string> | null): RawHeaders => {
  const raw: Array<string> = []
  if (fields === null) return raw
  for (const field of fields) raw.push(typeof field === "string" ? field : field.toString("latin1"))
  return raw
}

const codeOf = (error: Error): string => ("code" in error && typeof error.code === "string" ? error.code : error.name)

const malformed = (code: string): boolean =>
  code.startsWith("HPE_") || code === "UND_ERR_HEADERS_OVERFLOW" || code === "UND_ERR_RES_CONTENT_LENGTH_MISMATCH"

/** How long a pool is kept after one of its connections has ended, until it is looked at whether it is used at all. */
const unusedMs = 500

/** Undici's handler by callbacks: it gives fields as they came, and no objects are made per event. */
class Dispatch implements Dispatcher.DispatchHandler {
  readonly #handler: AttemptHandler
  #sent = false

  constructor(handler: AttemptHandler) {
    this.#handler = handler
  }

  onConnect(abort: (error?: Error) => void): void {
    this.#sent = true
    this.#handler.onSent(abort)
  }

  onHeaders(status: number, fields: Array<Buffer>, resume: () => void, message: string): boolean {
    // Below 100 is no status at all, and the handler refuses it.
    if (status >= 100 && status < 200) this.#handler.onInformational(status, rawOf(fields))
    else this.#handler.onHead(status, message, rawOf(fields), resume, false)
    return true
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData(chunk)
  }

  onComplete(trailers: ReadonlyArray<Buffer | string> | null): void {
    this.#handler.onEnd(rawOf(trailers))
  }

  onError(error: Error): void {
    const code = codeOf(error)
    this.#handler.onError(code, this.#failure(code))
  }

  #failure(code: string): AttemptFailure {
    if (malformed(code)) return "malformed"
    if (code === "UND_ERR_INVALID_ARG" || code === "UND_ERR_NOT_SUPPORTED") return "invalid"
    return this.#sent ? "dropped" : "unprocessed"
  }
}

/** HTTP/1.1 to instances: a pool of keep-alive connections for each, one request at a time on each connection. */
export class Http1Upstream implements Upstream {
  readonly #pools = new Map<string, Pool>()

  readonly #bodies = new Http1BodyUpstream()

  send(attempt: Attempt, handler: AttemptHandler): void {
    if (attempt.body !== undefined) {
      this.#bodies.send(attempt, handler)
      return
    }
    const dispatch = new Dispatch(handler)
    try {
      this.#pool(authorityOf(attempt)).dispatch(
        {
          path: attempt.path,
          method: attempt.method as Dispatcher.HttpMethod,
          headers: attempt.headers
        },
        dispatch
      )
    } catch (cause) {
      dispatch.onError(cause instanceof Error ? cause : new Error(String(cause)))
    }
  }

  close(): void {
    for (const pool of this.#pools.values()) void pool.destroy()
    this.#pools.clear()
    this.#bodies.close()
  }

  #pool(authority: string): Pool {
    const known = this.#pools.get(authority)
    if (known !== undefined) return known
    const pool = new Pool(`http://${authority}`, {
      pipelining: 1,
      // The route's own time limit holds, and a body may take as long as it likes.
      headersTimeout: 0,
      bodyTimeout: 0,
      // Under the idle times of the usual servers; one that announces its own is believed, with a margin.
      keepAliveTimeout: 4_000,
      keepAliveTimeoutThreshold: 1_000,
      maxHeaderSize: 64 * 1024,
      connect: { timeout: 5_000, noDelay: true }
    })
    const guarded = guardedBy(() => this.#pools.delete(authority))
    // What `stats` tells is counted anew from all of the pool's connections: once for many that end together, not once for each.
    let looking = false
    const look = guarded(() => {
      looking = false
      const { connected, size } = pool.stats
      if (connected > 0 || size > 0 || this.#pools.get(authority) !== pool) return
      this.#pools.delete(authority)
      void pool.close()
    })
    const lookSoon = guarded(() => {
      if (looking) return
      looking = true
      setTimeout(look, unusedMs).unref()
    })
    pool.on("disconnect", lookSoon)
    pool.on("connectionError", lookSoon)
    this.#pools.set(authority, pool)
    return pool
  }
}
