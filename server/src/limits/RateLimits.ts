import type { TooManyRequests, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/** A token bucket: `quota` requests in `windowSeconds`, filled evenly. */
export interface RateLimit {
  /** Name in the answer's `RateLimit-Policy`. */
  readonly name: string
  readonly quota: number
  readonly windowSeconds: number
}

export interface RateLimitState {
  readonly limit: RateLimit
  readonly remaining: number
  /** Seconds until the bucket is full again. */
  readonly resetSeconds: number
}

/** Rate limits that hold over all replicas: the buckets are in Postgres, one statement a request. */
export class RateLimits extends Context.Tag("@maxcloud/server/RateLimits")<
  RateLimits,
  {
    /** Takes `cost` (1) tokens from the bucket of `key`; `key` is hashed before it is kept. */
    readonly take: (
      limit: RateLimit,
      key: string,
      cost?: number
    ) => Effect.Effect<RateLimitState, TooManyRequests | Unavailable>
  }
>() {}
