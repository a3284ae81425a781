import type { Duplex } from "node:stream"
import { backoffMs } from "../node/backoff.ts"
import { guardedBy, trying } from "../node/guarded.ts"
import type { AttemptFailure, AttemptHandler, Upstream } from "./Attempt.ts"
import { type Answer, Malformed, parseAnswer, parseInformational, parseSwitch, parseTrailers } from "./answer.ts"
import type { Downstream } from "./Downstream.ts"
import { type ForwardedRequest, forwardRequest, headerValue, type RawHeaders } from "./headers.ts"
import type { ProxyCounters } from "./ProxyCounters.ts"
import { instanceGone, malformedResponse, type Refusal, refusalResponse, timedOut, unsendable } from "./problem.ts"
import { RequestBody } from "./RequestBody.ts"
import { type Lease, NoInstance, type Route } from "./Route.ts"

/** No instance has begun to work on what is attempted again; but attempts must end. */
const maxAttempts = 12
/** Informational answers of one request that are passed on: they are not asked for, so nobody has room for any number of them. */
const maxInformational = 32

/** Below it, a slow line would be taken for one that stands still. */
const minStallMs = 30_000

export interface Upstreams {
  readonly http1: Upstream
  readonly h2c: Upstream
  readonly counters: ProxyCounters
}

const bodylessStatuses: ReadonlySet<number> = new Set([204, 205, 304])

const noTrailers: RawHeaders = []

/**
 * One request on its way through the proxy: takes a slot, sends, answers; goes to another instance where one is gone. Every callback
 * is guarded, so that whatever is thrown ends this exchange alone, with an answer or a broken connection for its caller.
 */
class Exchange {
  readonly #upstreams: Upstreams
  readonly #route: Route
  readonly #down: Downstream
  readonly #request: ForwardedRequest
  readonly #away = new AbortController()
  readonly #guarded = guardedBy((cause) => this.#fault(cause))
  readonly #timer: NodeJS.Timeout
  #lease: Lease | undefined
  #body: RequestBody | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #attempts = 0
  #held = false
  #over = false
  #answering = false
  #ended = false
  /** Of the answer, as long as it can still be another one. */
  #head: Answer | undefined
  #bodyless = false
  #contentLength = -1
  #received = 0
  #informational = 0
  #listensToDrain = false
  readonly #stallMs: number
  #blocked: NodeJS.Timeout | undefined
  #bodyTimer: NodeJS.Timeout | undefined

  constructor(upstreams: Upstreams, route: Route, down: Downstream) {
    this.#upstreams = upstreams
    this.#route = route
    this.#down = down
    this.#request = forwardRequest(down.rawHeaders, down)
    this.#timer = setTimeout(
      this.#guarded(() => this.#timeOut()),
      route.timeoutMs
    )
    this.#stallMs = Math.max(route.timeoutMs, minStallMs)
    upstreams.counters.requests++
    upstreams.counters.active++
    down.onClose(this.#guarded(() => this.#callerGone()))
  }

  readonly start = this.#guarded(() => this.#attempt())

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
    this.#held = true
    leases.then(
      this.#guarded((lease: Lease) => {
        counters.held--
        this.#held = false
        if (this.#over) lease.release()
        else this.#send(lease)
      }),
      this.#guarded((cause: unknown) => {
        counters.held--
        this.#refused(cause)
      })
    )
  }

  #send(lease: Lease): void {
    const down = this.#down
    this.#lease = lease
    this.#body = down.hasBody ? new RequestBody(down) : undefined
    const { tunnel } = down
    // A connection of HTTP/2 has no upgrades (RFC 9113, 8.6).
    const h2c = this.#route.protocol === "h2c" && tunnel === undefined
    const upstream = h2c ? this.#upstreams.h2c : this.#upstreams.http1
    upstream.send(
      {
        host: lease.host,
        port: lease.port,
        method: down.method,
        path: down.path,
        headers: this.#request.headers,
        body: this.#body,
        upgrade: tunnel?.offered,
        acceptsTrailers: this.#request.acceptsTrailers,
        requestTrailers: down.requestTrailers.bind(down)
      },
      this.#handler
    )
  }

  /** What the upstream calls, guarded. */
  readonly #handler: AttemptHandler = {
    onSent: this.#guarded((abort: () => void) => this.#onSent(abort)),
    onInformational: this.#guarded((status: number, raw: RawHeaders) => this.#onInformational(status, raw)),
    onHead: this.#guarded((...head: Parameters<AttemptHandler["onHead"]>) => this.#onHead(...head)),
    onData: (chunk) => {
      try {
        return this.#onData(chunk)
      } catch (cause) {
        trying(() => this.#fault(cause))
        return true
      }
    },
    onEnd: this.#guarded((trailers: RawHeaders) => this.#onEnd(trailers)),
    onSwitch: this.#guarded((...answer: Parameters<AttemptHandler["onSwitch"]>) => this.#onSwitch(...answer)),
    onError: this.#guarded((code: string, failure: AttemptFailure) => this.#onError(code, failure))
  }

  /** Something in here has thrown. */
  #fault(cause: unknown): void {
    const abort = this.#abort
    trying(() => this.#upstreams.counters.fault(cause))
    if (!this.#over) this.#settle()
    if (abort !== undefined) trying(abort)
    if (this.#ended) return
    try {
      if (this.#down.begun) this.#down.destroy()
      else refuse(this.#down, malformedResponse("it cannot be passed on"))
    } catch {
      this.#down.destroy()
    }
  }

  /** The instance's answer, or the rest of it, is no HTTP: the caller learns it, and the connection to the instance is given up. */
  #malformed(code: string): void {
    const abort = this.#abort
    if (this.#down.begun) {
      this.#settle()
      this.#down.destroy()
    } else this.#refuse(malformedResponse(code))
    abort?.()
  }

  #onSent(abort: () => void): void {
    if (this.#over) abort()
    else this.#abort = abort
  }

  #onInformational(status: number, headers: RawHeaders): void {
    if (this.#over || this.#answering || this.#informational++ >= maxInformational) return
    const fields = parseInformational(status, headers)
    if (fields !== undefined) this.#down.informational(status, fields)
  }

  #onHead(status: number, message: string, raw: RawHeaders, resume: () => void, ended: boolean): void {
    if (this.#over || this.#answering) return
    const answer = parseAnswer(status, message, raw)
    if (answer instanceof Malformed) {
      this.#malformed(answer.code)
      return
    }
    clearTimeout(this.#timer)
    this.#lease?.answered()
    this.#resume = resume
    // These and the answer to HEAD have no body, whatever they say of one (RFC 9112, 6.3): undici would wait for it in vain.
    const bodyless = ended || bodylessStatuses.has(answer.status) || this.#down.method === "HEAD"
    this.#contentLength = answer.contentLength
    this.#answering = true
    this.#head = answer
    this.#bodyless = bodyless
    if (bodyless) this.#finish(undefined, !ended)
    else {
      setImmediate(this.#flush)
      if (this.#body !== undefined && !this.#down.fullDuplex) this.#watchBody(this.#body)
    }
  }

  /** Head and body leave in one write where they came together; and where the body is broken from its first byte, a 502 is still possible. */
  #writeHead(): void {
    const answer = this.#head
    if (answer === undefined) return
    this.#head = undefined
    this.#upstreams.counters.answered(answer.status)
    this.#down.head(answer.status, answer.reason, answer.headers, this.#bodyless)
  }

  readonly #flush = this.#guarded(() => {
    if (this.#over || this.#head === undefined) return
    this.#writeHead()
    this.#down.flush()
  })

  /** Ends the answer before the instance has ended its own: `rest` of that is not read. */
  #finish(chunk: Buffer | undefined, rest: boolean): void {
    const abort = this.#abort
    const reset = this.#head?.status === 205
    this.#settle()
    this.#writeHead()
    this.#ended = true
    this.#down.end(chunk, noTrailers)
    // In HTTP/1.1 the parser has seen the end, and the connection can go on; but it takes a 205 for any other answer.
    if (rest && (this.#route.protocol === "h2c" || reset)) abort?.()
  }

  #onData(chunk: Buffer): boolean {
    if (this.#over || this.#ended) return true
    this.#received += chunk.length
    // More than was announced would be the begin of another response to the caller's HTTP/1.1.
    if (this.#contentLength >= 0 && this.#received > this.#contentLength) {
      this.#finish(chunk.subarray(0, chunk.length - (this.#received - this.#contentLength)), true)
      return true
    }
    this.#writeHead()
    if (chunk.length === this.#contentLength) {
      // The whole body at once: head and body leave in one write.
      this.#ended = true
      this.#down.end(chunk, noTrailers)
      return true
    }
    if (this.#down.write(chunk)) return true
    clearTimeout(this.#blocked)
    this.#blocked = setTimeout(this.#stalled, this.#stallMs)
    if (!this.#listensToDrain) {
      this.#listensToDrain = true
      this.#down.onDrain(
        this.#guarded(() => {
          clearTimeout(this.#blocked)
          this.#resume?.()
        })
      )
    }
    return false
  }

  /** Who has begun to be answered must read it, and send what is left of its request: what stands still holds a slot and memory. */
  readonly #stalled = this.#guarded(() => {
    if (this.#over) return
    const abort = this.#abort
    this.#upstreams.counters.aborted++
    this.#settle()
    if (!this.#ended) this.#down.destroy()
    abort?.()
  })

  #watchBody(body: RequestBody): void {
    const look = this.#guarded(() => {
      if (this.#over || body.destroyed || body.readableEnded) return
      const left =
        body.waitingSince === undefined ? this.#stallMs : body.waitingSince + this.#stallMs - performance.now()
      if (left <= 0) this.#stalled()
      else this.#bodyTimer = setTimeout(look, left)
    })
    look()
  }

  #onEnd(trailers: RawHeaders): void {
    if (this.#over) return
    const passed = parseTrailers(trailers)
    if (!this.#answering || this.#received < this.#contentLength || passed instanceof Malformed) {
      this.#malformed("it ended before it was whole")
      return
    }
    this.#settle()
    if (this.#ended) return
    this.#writeHead()
    this.#ended = true
    this.#down.end(undefined, passed)
  }

  /** From here on the two connections end each other; the slot is held until they have. */
  #onSwitch(message: string, raw: RawHeaders, socket: Duplex, head: Buffer): void {
    this.#abort = () => void socket.destroy()
    const { tunnel } = this.#down
    if (this.#over || this.#answering || tunnel === undefined) {
      socket.destroy()
      return
    }
    const answer = parseSwitch(tunnel.offered, message, raw)
    if (answer instanceof Malformed) {
      this.#malformed(answer.code)
      return
    }
    const { counters } = this.#upstreams
    const lease = this.#lease
    this.#lease = undefined
    lease?.answered()
    this.#settle()
    this.#ended = true
    counters.active++
    counters.answered(101)
    const onEnd = () => {
      counters.active--
      lease?.release()
    }
    tunnel.join(answer, socket, head, onEnd)
  }

  #onError(code: string, failure: AttemptFailure): void {
    if (this.#over) return
    const lease = this.#lease
    this.#lease = undefined
    this.#abort = undefined
    if (this.#answering) {
      lease?.release()
      if (this.#head !== undefined) {
        this.#refuse(failure === "malformed" ? malformedResponse(code) : instanceGone(code))
        return
      }
      this.#settle()
      // Without its end the caller must not take the response for whole.
      if (!this.#ended) this.#down.destroy()
      return
    }
    const gone = failure === "unprocessed" || failure === "dropped"
    if (gone) lease?.failed()
    lease?.release()
    const consumed = this.#body?.consumed === true
    if (failure !== "unprocessed" || consumed || this.#attempts >= maxAttempts) {
      this.#refuse(gone ? instanceGone(code) : failure === "malformed" ? malformedResponse(code) : unsendable(code))
      return
    }
    this.#upstreams.counters.retries++
    // The first tries go at once; after that whoever gives slots out needs time to see that the instance is gone.
    if (this.#attempts < 3) this.#attempt()
    else {
      const again = this.#guarded(() => void (this.#over || this.#attempt()))
      setTimeout(again, backoffMs({ baseMs: 1, maxMs: 500 }, this.#attempts))
    }
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
    const { timeoutMs } = this.#route
    // A caller that is slow to send is not the instance's fault.
    if (this.#body === undefined || this.#body.readableEnded) this.#lease?.overdue()
    // No instance has it: that one didn't answer in time would be wrong, and hide what is the matter.
    const why = this.#held ? this.#route.overdue?.(timeoutMs) : undefined
    if (why === undefined) this.#refuse(timedOut(timeoutMs))
    else this.#refused(why)
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
    clearTimeout(this.#blocked)
    clearTimeout(this.#bodyTimer)
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
  new Exchange(upstreams, route, down).start()
}
