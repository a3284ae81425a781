import type { RateLimit, RateLimitState } from "./RateLimits.ts"

/** A bucket's content: `tokens` at `at` (milliseconds). An unused one is full. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** Sums of fractions are a hair too small: a caller who comes exactly when told must pass. */
export const tolerance = 1e-6

/** Tokens that come back in a second. */
export const rateOf = ({ quota, windowSeconds }: RateLimit): number => quota / windowSeconds

/** Tokens at `now`. A clock that goes back fills nothing. */
export const tokensAt = (limit: RateLimit, bucket: Bucket | undefined, now: number): number =>
  bucket === undefined
    ? limit.quota
    : Math.min(limit.quota, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rateOf(limit))

export const stateOf = (limit: RateLimit, tokens: number): RateLimitState => ({
  limit,
  remaining: Math.max(0, Math.floor(tokens)),
  resetSeconds: Math.max(0, (limit.quota - tokens) / rateOf(limit))
})

/** Seconds until `cost` tokens are there, rounded up: whoever waits so long is let through. */
export const waitOf = (limit: RateLimit, tokens: number, cost: number): number =>
  Math.max(1, Math.ceil((Math.min(cost, limit.quota) - tokens) / rateOf(limit)))

/** `cost` tokens out of a bucket, or how long to wait for them. What `PostgresRateLimits` does in one statement. */
export const takeFrom = (
  limit: RateLimit,
  bucket: Bucket | undefined,
  now: number,
  cost = 1
): { readonly bucket: Bucket; readonly taken: boolean; readonly waitSeconds: number } => {
  const tokens = tokensAt(limit, bucket, now)
  const at = Math.max(now, bucket?.at ?? now)
  return tokens >= cost - tolerance
    ? { bucket: { tokens: Math.max(0, tokens - cost), at }, taken: true, waitSeconds: 0 }
    : { bucket: { tokens, at }, taken: false, waitSeconds: waitOf(limit, tokens, cost) }
}
