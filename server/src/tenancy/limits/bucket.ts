import type { RateLimit, RateLimitState } from "./RateLimits.ts"

/** Sums of fractions are slightly too small, but a caller who retries exactly when told must pass. */
export const tolerance = 1e-6

/** Tokens refilled in a second. */
export const rateOf = ({ quota, windowSeconds }: RateLimit): number => quota / windowSeconds

export const stateOf = (limit: RateLimit, tokens: number): RateLimitState => ({
  limit,
  remaining: Math.max(0, Math.floor(tokens)),
  resetSeconds: Math.max(0, (limit.quota - tokens) / rateOf(limit))
})

/** Seconds until `cost` tokens are available, rounded up: a caller who waits that long passes. */
export const waitOf = (limit: RateLimit, tokens: number, cost: number): number =>
  Math.max(1, Math.ceil((Math.min(cost, limit.quota) - tokens) / rateOf(limit)))
