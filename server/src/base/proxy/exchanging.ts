import type { Duplex } from "node:stream"
import type { AttemptFailure } from "./Attempt.ts"
import { type Answer, Malformed } from "./answer.ts"
import type { RawHeaders } from "./headers.ts"
import { instanceGone, malformedResponse, type Refusal, timedOut, unsendable } from "./problem.ts"
import type { Lease } from "./Route.ts"

/**
 * One request on its way through the proxy, as a value. `step` takes an event and returns the next value and the
 * effects; `Exchange` performs them. Nothing here reads a clock, a socket or a counter.
 */
export interface Exchanging {
  /** Slots requested so far. */
  readonly attempts: number
  /** The caller waits for a slot. */
  readonly held: boolean
  /** The head of the answer has arrived. */
  readonly answering: boolean
  /** The caller has the end of its answer. */
  readonly ended: boolean
  /** The instance isn't expected to send anything more. */
  readonly over: boolean
  /** The answer's head, until it's sent: it can still be replaced by a 502. */
  readonly head: Answer | undefined
  /** No body follows the head. */
  readonly bodyless: boolean
  /** Bytes that the answer announced; -1: unknown. */
  readonly contentLength: number
  /** Bytes of its body that have arrived. */
  readonly received: number
  readonly informational: number
}

/** Facts that stay the same for the whole request. */
export interface Circumstances {
  readonly isHead: boolean
  readonly protocol: "http1" | "h2c"
  readonly timeoutMs: number
}

export type ExchangeEvent =
  | { readonly type: "held" }
  | { readonly type: "leased"; readonly lease: Lease }
  | { readonly type: "notLeased"; readonly refusal: Refusal }
  | { readonly type: "again" }
  | { readonly type: "informational"; readonly status: number; readonly fields: RawHeaders | undefined }
  /** `ended`: no data and no trailers follow. `begun`: a byte of an answer may have been sent to the caller. */
  | { readonly type: "head"; readonly answer: Answer | Malformed; readonly ended: boolean; readonly begun: boolean }
  | { readonly type: "flush" }
  | { readonly type: "data"; readonly chunk: Buffer }
  | { readonly type: "end"; readonly trailers: RawHeaders | Malformed; readonly begun: boolean }
  /** `answer` is undefined if the caller asked for no upgrade. */
  | {
      readonly type: "switch"
      readonly answer: Switched | Malformed | undefined
      readonly socket: Duplex
      readonly head: Buffer
      readonly begun: boolean
    }
  /** `consumed`: a part of the request's body has been read, so it can't be sent again. */
  | { readonly type: "failed"; readonly code: string; readonly failure: AttemptFailure; readonly consumed: boolean }
  /** `sent`: the instance has the whole request. `why`: the reason for the delay, if no instance has it. */
  | { readonly type: "timedOut"; readonly sent: boolean; readonly why: Refusal | undefined }
  | { readonly type: "callerGone" }
  /** The caller has stopped reading, or stopped sending its body. */
  | { readonly type: "stalled" }

export interface Switched {
  readonly reason: string
  readonly headers: RawHeaders
}

/** For the caller. */
export type CallerEffect =
  | { readonly do: "informational"; readonly status: number; readonly fields: RawHeaders }
  | { readonly do: "head"; readonly answer: Answer; readonly bodyless: boolean }
  | { readonly do: "flush" }
  | { readonly do: "write"; readonly chunk: Buffer }
  | { readonly do: "end"; readonly chunk: Buffer | undefined; readonly trailers: RawHeaders }
  | { readonly do: "refuse"; readonly refusal: Refusal }
  | { readonly do: "breakOff" }

export type ExchangeEffect =
  | CallerEffect
  | { readonly do: "acquire" }
  /** Ask again after a pause that grows with the attempts. */
  | { readonly do: "acquireLater"; readonly attempts: number }
  | { readonly do: "countRetry" | "countAborted" }
  | { readonly do: "send" | "giveBack"; readonly lease: Lease }
  /** Report to the slot: it answered, it's gone, it's overdue; or give it back. */
  | { readonly do: "answered" | "instanceGone" | "overdue" | "release" }
  /** Stop the timers and give the slot back. */
  | { readonly do: "settle" }
  /** Drop the connection to the instance. */
  | { readonly do: "abort" }
  /** Stop waiting for a slot. */
  | { readonly do: "leave" }
  | { readonly do: "flushSoon" | "watchBody" }
  | { readonly do: "join"; readonly answer: Switched; readonly socket: Duplex; readonly head: Buffer }
  | { readonly do: "close"; readonly socket: Duplex }

export type Step = readonly [Exchanging, ReadonlyArray<ExchangeEffect>]

/** Retries are safe, because no instance has begun to process the request. But they must end. */
const maxAttempts = 12
/** The first attempts start at once. After that, wait until the slots' owner has noticed that the instance is gone. */
const quickAttempts = 3
/** How many informational answers (1xx) are forwarded for one request. Nobody asked for them, so we limit them. */
const maxInformational = 32

/** These and the answer to HEAD have no body, whatever they declare (RFC 9112, 6.3). */
const bodylessStatuses: ReadonlySet<number> = new Set([204, 205, 304])

export const noTrailers: RawHeaders = []

/** A request that has arrived and hasn't asked for a slot yet. */
export const arrived: Exchanging = {
  attempts: 0,
  held: false,
  answering: false,
  ended: false,
  over: false,
  head: undefined,
  bodyless: false,
  contentLength: -1,
  received: 0,
  informational: 0
}

const stay = (state: Exchanging): Step => [state, []]

const over = (state: Exchanging, ...effects: ReadonlyArray<ExchangeEffect>): Step => [
  { ...state, over: true, head: undefined },
  [{ do: "settle" }, ...effects]
]

const refused = (state: Exchanging, refusal: Refusal, ...effects: ReadonlyArray<ExchangeEffect>): Step =>
  over({ ...state, held: false }, { do: "refuse", refusal }, ...effects)

const attempt = (state: Exchanging, ...before: ReadonlyArray<ExchangeEffect>): Step => [
  { ...state, attempts: state.attempts + 1 },
  [...before, { do: "acquire" }]
]

/**
 * Sends the head if it's still pending. It waits for the first bytes of the body, but not long: until then a broken
 * answer can become a 502.
 */
const pendingHead = ({ bodyless, head }: Exchanging): ReadonlyArray<ExchangeEffect> =>
  head === undefined ? [] : [{ do: "head", answer: head, bodyless }]

/** The instance's answer, or the rest of it, isn't HTTP: tell the caller, and drop the connection to the instance. */
const malformed = (state: Exchanging, code: string, begun: boolean): Step =>
  begun ? over(state, { do: "breakOff" }, { do: "abort" }) : refused(state, malformedResponse(code), { do: "abort" })

/** Ends the caller's answer. `rest`: the instance may still send more, which we don't read. */
const finish = (state: Exchanging, at: Circumstances, chunk: Buffer | undefined, rest: boolean): Step => {
  // In HTTP/1.1 the parser has seen the end, and the connection is reusable. But it treats a 205 like any other answer.
  const givesUp = rest && (at.protocol === "h2c" || state.head?.status === 205)
  return over(
    { ...state, ended: true },
    ...pendingHead(state),
    { do: "end", chunk, trailers: noTrailers },
    ...(givesUp ? [{ do: "abort" } as const] : [])
  )
}

type Of<T extends ExchangeEvent["type"]> = Extract<ExchangeEvent, { readonly type: T }>

const onHead = (state: Exchanging, { answer, begun, ended }: Of<"head">, at: Circumstances): Step => {
  if (state.over || state.answering) return stay(state)
  if (answer instanceof Malformed) return malformed(state, answer.code, begun)
  const bodyless = ended || bodylessStatuses.has(answer.status) || at.isHead
  const answering = { ...state, answering: true, head: answer, bodyless, contentLength: answer.contentLength }
  if (!bodyless) return [answering, [{ do: "answered" }, { do: "flushSoon" }, { do: "watchBody" }]]
  const [next, effects] = finish(answering, at, undefined, !ended)
  return [next, [{ do: "answered" }, ...effects]]
}

const onData = (state: Exchanging, { chunk }: Of<"data">, at: Circumstances): Step => {
  if (state.over || state.ended || !state.answering) return stay(state)
  const received = state.received + chunk.length
  const excess = state.contentLength < 0 ? 0 : received - state.contentLength
  // More than was announced would be the beginning of another response to an HTTP/1.1 caller.
  if (excess > 0) return finish({ ...state, received }, at, chunk.subarray(0, chunk.length - excess), true)
  // The whole body at once: head and body are sent in one write.
  const whole = chunk.length === state.contentLength
  return [
    { ...state, received, head: undefined, ended: whole },
    [...pendingHead(state), whole ? { do: "end", chunk, trailers: noTrailers } : { do: "write", chunk }]
  ]
}

const onEnd = (state: Exchanging, { begun, trailers }: Of<"end">): Step => {
  if (state.over) return stay(state)
  if (!state.answering || state.received < state.contentLength || trailers instanceof Malformed)
    return malformed(state, "it ended before it was complete", begun)
  if (state.ended) return over(state)
  return over({ ...state, ended: true }, ...pendingHead(state), { do: "end", chunk: undefined, trailers })
}

/** Hands both connections to the tunnel. Each ends the other, and the slot stays taken until both have ended. */
const onSwitch = (state: Exchanging, { answer, begun, head, socket }: Of<"switch">): Step => {
  if (state.over || state.answering || answer === undefined) return [state, [{ do: "close", socket }]]
  if (answer instanceof Malformed) return malformed(state, answer.code, begun)
  return [{ ...state, over: true, ended: true }, [{ do: "join", answer, socket, head }]]
}

const onFailed = (state: Exchanging, { code, consumed, failure }: Of<"failed">): Step => {
  if (state.over) return stay(state)
  const refusal =
    failure === "malformed" ? malformedResponse(code) : failure === "invalid" ? unsendable(code) : instanceGone(code)
  if (state.answering) {
    if (state.head !== undefined) return refused(state, failure === "malformed" ? refusal : instanceGone(code))
    // Without its end the caller must not consider the response complete.
    return state.ended ? over(state) : over(state, { do: "breakOff" })
  }
  const gone = failure === "unprocessed" || failure === "dropped"
  const told: ReadonlyArray<ExchangeEffect> = [...(gone ? [{ do: "instanceGone" } as const] : []), { do: "release" }]
  if (failure !== "unprocessed" || consumed || state.attempts >= maxAttempts) {
    const [next, effects] = refused(state, refusal)
    return [next, [...told, ...effects]]
  }
  const again: ReadonlyArray<ExchangeEffect> = [...told, { do: "countRetry" }]
  return state.attempts < quickAttempts
    ? attempt(state, ...again)
    : [state, [...again, { do: "acquireLater", attempts: state.attempts }]]
}

const onTimedOut = (state: Exchanging, { sent, why }: Of<"timedOut">, at: Circumstances): Step => {
  if (state.over || state.answering) return stay(state)
  const [next, effects] = refused(state, why ?? timedOut(at.timeoutMs), { do: "leave" }, { do: "abort" })
  return [next, sent ? [{ do: "overdue" }, ...effects] : effects]
}

const onInformational = (state: Exchanging, { fields, status }: Of<"informational">): Step => {
  if (state.over || state.answering || state.informational >= maxInformational) return stay(state)
  const next = { ...state, informational: state.informational + 1 }
  return [next, fields === undefined ? [] : [{ do: "informational", status, fields }]]
}

/** Computes the consequences of an event. */
export const step = (state: Exchanging, event: ExchangeEvent, at: Circumstances): Step => {
  switch (event.type) {
    case "held":
      return [{ ...state, held: true }, []]
    case "leased":
      return [{ ...state, held: false }, [{ do: state.over ? "giveBack" : "send", lease: event.lease }]]
    case "notLeased":
      return state.over ? stay(state) : refused(state, event.refusal)
    case "again":
      return state.over ? stay(state) : attempt(state)
    case "informational":
      return onInformational(state, event)
    case "head":
      return onHead(state, event, at)
    case "flush":
      return state.over || state.head === undefined
        ? stay(state)
        : [{ ...state, head: undefined }, [...pendingHead(state), { do: "flush" }]]
    case "data":
      return onData(state, event, at)
    case "end":
      return onEnd(state, event)
    case "switch":
      return onSwitch(state, event)
    case "failed":
      return onFailed(state, event)
    case "timedOut":
      return onTimedOut(state, event, at)
    case "callerGone":
      if (state.over) return stay(state)
      return [{ ...state, over: true }, [{ do: "countAborted" }, { do: "settle" }, { do: "leave" }, { do: "abort" }]]
    case "stalled":
      if (state.over) return stay(state)
      return [
        { ...state, over: true },
        [
          { do: "countAborted" },
          { do: "settle" },
          ...(state.ended ? [] : [{ do: "breakOff" } as const]),
          { do: "abort" }
        ]
      ]
  }
}
