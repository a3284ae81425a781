import type { AttemptFailure, AttemptHandler, Upstream } from "./Attempt.ts"
import type { Downstream } from "./Downstream.ts"
import { type ForwardedRequest, forwardRequest, forwardResponse, headerValue, type RawHeaders } from "./headers.ts"
import type { ProxyCounters } from "./ProxyCounters.ts"
import { instanceGone, malformedResponse, type Refusal, refusalResponse, timedOut, unsendable } from "./problem.ts"
import { RequestBody } from "./RequestBody.ts"
import { type Lease, NoInstance, type Route } from "./Route.ts"

/** Methods that may be sent twice (RFC 9110, 9.2.2). */
const idempotent = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"])

/** Instances that may drop one request before it is given up: a request that kills what it meets must not meet them all. */
const maxDropped = 4
/** Attempts in all; those that no instance has begun to work on do no harm, but must end. */
const maxAttempts = 12

export interface Upstreams {
  readonly http1: Upstream
  readonly h2c: Upstream
  readonly counters: ProxyCounters
}

const noTrailers: RawHeaders = []

/** One request on its way through the proxy: takes a slot, sends, answers; goes to another instance where one is gone. */
class Exchange implements AttemptHandler {
  readonly #upstreams: Upstreams
  readonly #route: Route
  readonly #down: Downstream
  readonly #request: ForwardedRequest
  readonly #away = new AbortController()
  readonly #timer: NodeJS.Timeout
  #lease: Lease | undefined
  #body: RequestBody | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #attempts = 0
  #dropped = 0
  #over = false
  #answering = false
  #ended = false
  #contentLength = -1
  #listensToDrain = false

  constructor(upstreams: Upstreams, route: Route, down: Downstream) {
    this.#upstreams = upstreams
    this.#route = route
    this.#down = down
    this.#request = forwardRequest(down.rawHeaders, down)
    this.#timer = setTimeout(() => this.#timeOut(), route.timeoutMs)
    upstreams.counters.requests++
    upstreams.counters.active++
    down.onClose(() => this.#callerGone())
    if (this.#request.ambiguousHost) this.#refuse(unsendable("more than one Host"))
    else this.#attempt()
  }

  #attempt(): void {
    this.#attempts++
    try {
      const lease = this.#route.acquire(this.#away.signal)
      if (lease instanceof Promise) this.#hold(lease)
      else this.#send(lease)
    } catch (cause) {
      this.#refused(cause)
    }
  }

  #hold(leases: Promise<Lease>): void {
    const { counters } = this.#upstreams
    counters.held++
    leases.then(
      (lease) => {
        counters.held--
        if (this.#over) lease.release()
        else this.#send(lease)
      },
      (cause: unknown) => {
        counters.held--
        this.#refused(cause)
      }
    )
  }

  #send(lease: Lease): void {
    const down = this.#down
    this.#lease = lease
    this.#body = down.hasBody ? new RequestBody(down) : undefined
    const upstream = this.#route.protocol === "h2c" ? this.#upstreams.h2c : this.#upstreams.http1
    upstream.send(
      {
        host: lease.host,
        port: lease.port,
        method: down.method,
        path: down.path,
        headers: this.#request.headers,
        body: this.#body,
        acceptsTrailers: this.#request.acceptsTrailers,
        requestTrailers: down.requestTrailers.bind(down)
      },
      this
    )
  }

  onSent(abort: () => void): void {
    if (this.#over) abort()
    else this.#abort = abort
  }

  onInformational(status: number, headers: RawHeaders): void {
    if (!this.#over) this.#down.informational(status, forwardResponse(headers).headers)
  }

  onHead(status: number, message: string, raw: RawHeaders, resume: () => void, ended: boolean): void {
    if (this.#over) return
    clearTimeout(this.#timer)
    const { contentLength, headers } = forwardResponse(raw)
    this.#resume = resume
    this.#contentLength = contentLength
    this.#answering = true
    this.#upstreams.counters.answered(status)
    const bodyless = ended || this.#down.method === "HEAD" || status === 204 || status === 304
    this.#down.head(status, message, headers, bodyless)
    if (status !== 304) return
    // Its length is that of the body it stands for (RFC 9110, 15.4.5), for which undici would wait in vain.
    this.#settle()
    this.#down.end(undefined, noTrailers)
  }

  onData(chunk: Buffer): boolean {
    if (this.#over || this.#ended) return true
    if (chunk.length === this.#contentLength) {
      // The whole body at once: head and body leave in one write.
      this.#ended = true
      this.#down.end(chunk, noTrailers)
      return true
    }
    if (this.#down.write(chunk)) return true
    if (!this.#listensToDrain) {
      this.#listensToDrain = true
      this.#down.onDrain(() => this.#resume?.())
    }
    return false
  }

  onEnd(trailers: RawHeaders): void {
    if (this.#over) return
    this.#settle()
    if (!this.#ended) this.#down.end(undefined, trailers)
  }

  onError(code: string, failure: AttemptFailure): void {
    if (this.#over) return
    const lease = this.#lease
    this.#lease = undefined
    this.#abort = undefined
    if (this.#answering) {
      lease?.release()
      this.#settle()
      // Without its end the caller must not take the response for whole.
      if (!this.#ended) this.#down.destroy()
      return
    }
    const gone = failure === "unprocessed" || failure === "dropped"
    if (gone) lease?.failed()
    lease?.release()
    if (failure === "dropped") this.#dropped++
    const consumed = this.#body?.consumed === true
    const again =
      failure === "unprocessed"
        ? !consumed && this.#attempts < maxAttempts
        : failure === "dropped" && !consumed && idempotent.has(this.#down.method) && this.#dropped < maxDropped
    if (!again) {
      this.#refuse(gone ? instanceGone(code) : failure === "malformed" ? malformedResponse(code) : unsendable(code))
      return
    }
    this.#upstreams.counters.retries++
    // The first tries go at once; after that whoever gives slots out needs time to see that the instance is gone.
    if (this.#attempts < 3) this.#attempt()
    else setTimeout(() => this.#over || this.#attempt(), Math.min(2 ** this.#attempts, 500))
  }

  #refused(cause: unknown): void {
    if (this.#over) return
    const { message } = cause instanceof Error ? cause : new Error(String(cause))
    const known = cause instanceof NoInstance
    this.#refuse({
      status: known ? cause.status : 502,
      slug: known ? cause.slug : "no-instance",
      detail: known ? message : "The service could not take the request.",
      retryAfterSeconds: known ? (cause.retryAfterSeconds ?? (cause.status === 503 ? 1 : undefined)) : 1
    })
  }

  #timeOut(): void {
    if (this.#over || this.#answering) return
    const abort = this.#abort
    this.#refuse(timedOut(this.#route.timeoutMs))
    this.#away.abort()
    abort?.()
  }

  #callerGone(): void {
    if (this.#over) return
    const abort = this.#abort
    this.#upstreams.counters.aborted++
    this.#settle()
    this.#away.abort()
    abort?.()
  }

  #refuse(refusal: Refusal): void {
    this.#settle()
    this.#upstreams.counters.answered(refusal.status)
    refuse(this.#down, refusal)
  }

  #settle(): void {
    this.#over = true
    clearTimeout(this.#timer)
    this.#upstreams.counters.active--
    this.#lease?.release()
    this.#lease = undefined
    this.#abort = undefined
  }
}

/** Answers with a refusal of the proxy's own. */
export const refuse = (down: Downstream, refusal: Refusal): void => {
  const { body, headers } = refusalResponse(refusal, headerValue(down.rawHeaders, "accept"))
  const bodyless = down.method === "HEAD"
  down.head(refusal.status, "", headers, bodyless)
  down.end(bodyless ? undefined : body, noTrailers)
}

/** Proxies one request to an instance of the route's service, and answers the caller whatever happens. */
export const exchange = (upstreams: Upstreams, route: Route, down: Downstream): void => {
  new Exchange(upstreams, route, down)
}
