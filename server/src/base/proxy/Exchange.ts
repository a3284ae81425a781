import { backoffMs } from "../node/backoff.ts"
import { guardedBy, trying } from "../node/guarded.ts"
import type { AttemptFailure, AttemptHandler, Upstream } from "./Attempt.ts"
import { parseAnswer, parseInformational, parseSwitch, parseTrailers } from "./answer.ts"
import type { Downstream } from "./Downstream.ts"
import {
  arrived,
  type CallerEffect,
  type Circumstances,
  type ExchangeEffect,
  type ExchangeEvent,
  type Exchanging,
  noTrailers,
  step
} from "./exchanging.ts"
import { type ForwardedRequest, forwardRequest, type RawHeaders } from "./headers.ts"
import type { ProxyCounters } from "./ProxyCounters.ts"
import { malformedResponse, type Refusal, refusalResponse } from "./problem.ts"
import { RequestBody } from "./RequestBody.ts"
import { type Lease, NoInstance, type Route } from "./Route.ts"
import { StallWatch } from "./StallWatch.ts"

export interface Upstreams {
  readonly http1: Upstream
  readonly h2c: Upstream
  readonly counters: ProxyCounters
  /** The URL of the API, for the types of problems. */
  readonly server: () => string | undefined
}

const refusalOf = (cause: unknown): Refusal => {
  const known = cause instanceof NoInstance
  return {
    status: known ? cause.status : 502,
    tag: known ? cause.tag : "InstanceFailed",
    detail: known ? cause.message : "The service couldn't take the request.",
    retryAfterSeconds: known ? (cause.retryAfterSeconds ?? (cause.status === 503 ? 1 : undefined)) : 1
  }
}

/**
 * Performs the effects that `exchanging.ts` decides on for one request. Every callback is guarded: an exception ends
 * only this exchange, with an answer or a broken connection for its caller.
 */
class Exchange {
  readonly #upstreams: Upstreams
  readonly #route: Route
  readonly #down: Downstream
  readonly #at: Circumstances
  readonly #request: ForwardedRequest
  readonly #away = new AbortController()
  readonly #guarded = guardedBy((cause) => this.#fault(cause))
  readonly #timer: NodeJS.Timeout
  #state: Exchanging = arrived
  #lease: Lease | undefined
  #body: RequestBody | undefined
  #abort: (() => void) | undefined
  #resume: (() => void) | undefined
  #stalls: StallWatch | undefined

  constructor(upstreams: Upstreams, route: Route, down: Downstream) {
    this.#upstreams = upstreams
    this.#route = route
    this.#down = down
    this.#at = { isHead: down.method === "HEAD", protocol: route.protocol, timeoutMs: route.timeoutMs }
    this.#request = forwardRequest(down.rawHeaders, down)
    this.#timer = setTimeout(
      this.#guarded(() => this.#timeOut()),
      route.timeoutMs
    )
    upstreams.counters.requests++
    upstreams.counters.active++
    down.onClose(this.#guarded(() => void this.#dispatch({ type: "callerGone" })))
  }

  readonly start = this.#guarded(() => void this.#dispatch({ type: "again" }))

  /** Applies an event's effects. False: the caller reads more slowly than the instance sends. */
  #dispatch(event: ExchangeEvent): boolean {
    // Change the state before performing effects: an effect may end the caller, which is another event.
    const [state, effects] = step(this.#state, event, this.#at)
    const abort = this.#abort
    this.#state = state
    let hasRoom = true
    for (const effect of effects) if (!this.#run(effect, abort)) hasRoom = false
    return hasRoom
  }

  /** Callbacks for the upstream, guarded. */
  readonly #handler: AttemptHandler = {
    onSent: this.#guarded((abort: () => void) => {
      if (this.#state.over) abort()
      else this.#abort = abort
    }),
    onInformational: this.#guarded(
      (status: number, raw: RawHeaders) =>
        void this.#dispatch({ type: "informational", status, fields: parseInformational(status, raw) })
    ),
    onHead: this.#guarded((...[status, message, raw, resume, ended]: Parameters<AttemptHandler["onHead"]>) => {
      this.#resume = resume
      this.#dispatch({ type: "head", answer: parseAnswer(status, message, raw), ended, begun: this.#down.begun })
    }),
    onData: (chunk) => {
      try {
        return this.#dispatch({ type: "data", chunk })
      } catch (cause) {
        trying(() => this.#fault(cause))
        return true
      }
    },
    onEnd: this.#guarded(
      (trailers: RawHeaders) =>
        void this.#dispatch({ type: "end", trailers: parseTrailers(trailers), begun: this.#down.begun })
    ),
    onSwitch: this.#guarded((...[message, raw, socket, head]: Parameters<AttemptHandler["onSwitch"]>) => {
      this.#abort = () => void socket.destroy()
      const { begun, tunnel } = this.#down
      const answer = tunnel === undefined ? undefined : parseSwitch(tunnel.offered, message, raw)
      this.#dispatch({ type: "switch", answer, socket, head, begun })
    }),
    onError: this.#guarded((code: string, failure: AttemptFailure) => {
      if (!this.#state.over) this.#abort = undefined
      this.#dispatch({ type: "failed", code, failure, consumed: this.#body?.consumed === true })
    })
  }

  #run(effect: ExchangeEffect, abort: (() => void) | undefined): boolean {
    const { counters } = this.#upstreams
    switch (effect.do) {
      case "acquire":
        this.#acquire()
        break
      case "acquireLater":
        setTimeout(this.start, backoffMs({ baseMs: 1, maxMs: 500 }, effect.attempts))
        break
      case "countRetry":
        counters.retries++
        break
      case "countAborted":
        counters.aborted++
        break
      case "send":
        this.#send(effect.lease)
        break
      case "giveBack":
        effect.lease.release()
        break
      case "answered":
        clearTimeout(this.#timer)
        this.#lease?.answered()
        break
      case "instanceGone":
        this.#lease?.failed()
        break
      case "overdue":
        this.#lease?.overdue()
        break
      case "release":
        this.#release()
        break
      case "settle":
        this.#settle()
        break
      case "abort":
        abort?.()
        break
      case "leave":
        this.#away.abort()
        break
      case "flushSoon":
        setImmediate(this.#flush)
        break
      case "watchBody":
        if (this.#body !== undefined && !this.#down.fullDuplex && this.#route.stallMs === undefined)
          this.#stallWatch().watchBody(this.#body)
        break
      case "close":
        effect.socket.destroy()
        break
      case "join":
        this.#join(effect)
        break
      default:
        return this.#tell(effect)
    }
    return true
  }

  /** False: the caller has no room for more. */
  #tell(effect: CallerEffect): boolean {
    const down = this.#down
    const { counters } = this.#upstreams
    switch (effect.do) {
      case "informational":
        down.informational(effect.status, effect.fields)
        break
      case "head":
        counters.answered(effect.answer.status)
        down.head(effect.answer.status, effect.answer.reason, effect.answer.headers, effect.bodyless)
        break
      case "flush":
        down.flush()
        break
      case "write":
        if (down.write(effect.chunk)) break
        this.#stallWatch().waitForDrain()
        return false
      case "end":
        down.end(effect.chunk, effect.trailers)
        break
      case "refuse":
        this.#refuse(this.#route.refusal?.(effect.refusal) ?? effect.refusal)
        break
      case "breakOff":
        down.destroy()
        break
    }
    return true
  }

  #refuse(refusal: Refusal): void {
    this.#upstreams.counters.answered(refusal.status)
    refuse(this.#upstreams, this.#down, refusal)
  }

  #acquire(): void {
    try {
      const lease = this.#route.acquire(this.#away.signal)
      if (lease instanceof Promise) this.#hold(lease)
      else this.#dispatch({ type: "leased", lease })
    } catch (cause) {
      this.#dispatch({ type: "notLeased", refusal: refusalOf(cause) })
    }
  }

  #hold(leases: Promise<Lease>): void {
    const { counters } = this.#upstreams
    counters.held++
    this.#dispatch({ type: "held" })
    leases.then(
      this.#guarded((lease: Lease) => {
        counters.held--
        this.#dispatch({ type: "leased", lease })
      }),
      this.#guarded((cause: unknown) => {
        counters.held--
        this.#dispatch({ type: "notLeased", refusal: refusalOf(cause) })
      })
    )
  }

  #send(lease: Lease): void {
    const down = this.#down
    this.#lease = lease
    this.#body = down.hasBody ? new RequestBody(down) : undefined
    if (this.#body !== undefined && this.#route.stallMs !== undefined) this.#stallWatch().watchBody(this.#body)
    const { tunnel } = down
    // HTTP/2 connections have no upgrades (RFC 9113, 8.6).
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

  #join({ answer, head, socket }: Extract<ExchangeEffect, { readonly do: "join" }>): void {
    const { counters } = this.#upstreams
    const lease = this.#lease
    this.#lease = undefined
    lease?.answered()
    this.#settle()
    counters.active++
    counters.answered(101)
    this.#down.tunnel?.join(answer, socket, head, () => {
      counters.active--
      lease?.release()
    })
  }

  readonly #flush = this.#guarded(() => void this.#dispatch({ type: "flush" }))

  /** Created when it's first needed: most callers read as fast as their answer comes. */
  #stallWatch(): StallWatch {
    this.#stalls ??= new StallWatch(this.#down, this.#route.stallMs ?? this.#route.timeoutMs, {
      stalled: () => void this.#dispatch({ type: "stalled" }),
      drained: () => this.#resume?.(),
      fault: (cause) => this.#fault(cause)
    })
    return this.#stalls
  }

  #timeOut(): void {
    const { answering, held, over } = this.#state
    if (over || answering) return
    // A slow sender isn't the instance's fault.
    const sent = this.#body === undefined || this.#body.readableEnded
    // No instance has the request, so "an instance didn't answer in time" would be wrong and hide the cause.
    const why = held ? this.#route.overdue?.(this.#route.timeoutMs) : undefined
    this.#dispatch({ type: "timedOut", sent, why: why === undefined ? undefined : refusalOf(why) })
  }

  /** A callback has thrown. */
  #fault(cause: unknown): void {
    const abort = this.#abort
    const { ended, over } = this.#state
    trying(() => this.#upstreams.counters.fault(cause))
    this.#state = { ...this.#state, over: true }
    if (!over) this.#settle()
    if (abort !== undefined) trying(abort)
    if (ended) return
    try {
      if (this.#down.begun) this.#down.destroy()
      else refuse(this.#upstreams, this.#down, malformedResponse("it can't be forwarded"))
    } catch {
      this.#down.destroy()
    }
  }

  #settle(): void {
    clearTimeout(this.#timer)
    this.#stalls?.stop()
    this.#upstreams.counters.active--
    this.#abort = undefined
    this.#release()
  }

  #release(): void {
    const lease = this.#lease
    this.#lease = undefined
    lease?.release()
  }
}

/** Answers with a refusal of the proxy's own. */
export const refuse = ({ server }: Upstreams, down: Downstream, refusal: Refusal): void => {
  const { body, headers } = refusalResponse(refusal, down, server())
  const bodyless = down.method === "HEAD"
  down.head(refusal.status, "", headers, bodyless)
  down.end(bodyless ? undefined : body, noTrailers)
}

/** Proxies one request to an instance of the route's service, and answers the caller in any case. */
export const exchange = (upstreams: Upstreams, route: Route, down: Downstream): void => {
  new Exchange(upstreams, route, down).start()
}
