import type { TooManyRequests, Unavailable } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"

/**
 * A token bucket: `quota` requests at once, and after that as many in each `windowSeconds`, spread evenly. At most a day
 * long.
 */
export interface RateLimit {
  /** The name in the answer's `RateLimit-Policy`. */
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

/** Rate limits across all replicas: the buckets are in Postgres, with one statement per request. */
export class RateLimits extends Context.Tag("@maxcloud/server/RateLimits")<
  RateLimits,
  {
    /**
     * Takes `cost` (1) tokens from the bucket of `key`, which is hashed before it's stored. 0 takes none, and fails if
     * none is left. A failure takes none. The refusal contains the limit, for the answer's header fields.
     */
    readonly take: (
      limit: RateLimit,
      key: string,
      cost?: number
    ) => Effect.Effect<RateLimitState, TooManyRequests | Unavailable>
  }
>() {}
