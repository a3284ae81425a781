import type { ProblemTag } from "@maxcloud/sdk/errors"
import type { Refusal } from "./problem.ts"

/** A slot on a ready instance. Plain data and callbacks: this is the hot path. */
export interface Lease {
  readonly host: string
  readonly port: number
  /** Gives the slot back. Call it once, when the response has ended or failed. */
  readonly release: () => void
  /** The head of its answer has arrived. */
  readonly answered: () => void
  /** No head arrived within the request's timeout. Call `release` anyway. */
  readonly overdue: () => void
  /**
   * The instance refused or dropped the connection before the first byte of a response: it has stopped or is stopping.
   * Still call `release`.
   */
  readonly failed: () => void
}

const tagOf = { 502: "InstanceFailed", 503: "NoInstance", 504: "ServiceTimeout" } as const

/** Why no instance took the request. `status` is the HTTP status that the proxy answers, `message` its text. */
export class NoInstance extends Error {
  readonly status: 502 | 503 | 504
  readonly retryAfterSeconds: number | undefined
  readonly tag: ProblemTag
  constructor(status: 502 | 503 | 504, message: string, retryAfterSeconds?: number, tag: ProblemTag = tagOf[status]) {
    super(message)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
    this.tag = tag
  }
}

/** Finds instances for the requests of one service. */
export interface Route {
  /** Stable key for keep-alive pools, such as `<organization>/<namespace>/<service>`. */
  readonly key: string
  readonly protocol: "http1" | "h2c"
  /** Milliseconds that one request may take, from its arrival to the first byte of its response. */
  readonly timeoutMs: number
  /**
   * Takes a slot: at once if an instance has room, else when one does (a service at zero is started for it). Rejects
   * with `NoInstance`, or with the signal's reason when the caller leaves.
   */
  readonly acquire: (signal: AbortSignal) => Lease | Promise<Lease>
  /** Why a request that was held for its whole timeout got no slot. @default a timeout */
  readonly overdue?: (waitedMs: number) => NoInstance
  /**
   * How long a caller may send and read nothing. Set it if `timeoutMs` must leave time for a large body. @default
   * `timeoutMs`, and only once the response has begun
   */
  readonly stallMs?: number
  /** The proxy's own refusals in the words of what is behind this route. @default as they are */
  readonly refusal?: (refusal: Refusal) => Refusal
}

/** Finds the route of a host: lower case, without a port. */
export type Lookup = (host: string) => Route | undefined
