import { rateOf, tolerance, waitOf } from "../../src/tenancy/limits/bucket.ts"
import type { RateLimit } from "../../src/tenancy/limits/RateLimits.ts"

/** A bucket's content: `tokens` at `at` (milliseconds). An unused one is full. */
export interface Bucket {
  readonly tokens: number
  readonly at: number
}

/** Tokens at `now`. A clock that goes back adds nothing. */
export const tokensAt = (limit: RateLimit, bucket: Bucket | undefined, now: number): number =>
  bucket === undefined
    ? limit.quota
    : Math.min(limit.quota, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rateOf(limit))

/**
 * Takes `cost` tokens out of a bucket, or returns how long to wait for them. A model of what `PostgresRateLimits` does in one
 * statement.
 */
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
