import type { TooManyRequests } from "@maxcloud/sdk/api"
import type { RateLimit, RateLimitState } from "./RateLimits.ts"

// A string of a structured field (RFC 9651, 3.3.3). Names of limits are ASCII.
const text = (value: string) => `"${value.replace(/[^\x20-\x7e]/g, "").replace(/["\\]/g, "\\$&")}"`

const fields = ({ name, quota, windowSeconds }: RateLimit, remaining: number, resetSeconds: number) => ({
  "ratelimit-policy": `${text(name)};q=${quota};w=${windowSeconds}`,
  ratelimit: `${text(name)};r=${Math.max(0, Math.floor(remaining))};t=${Math.max(0, Math.ceil(resetSeconds))}`
})

/**
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): `q` requests in `w` seconds; `r` are
 * left now, and all again in `t` seconds.
 */
export const rateLimitHeaders = ({
  limit,
  remaining,
  resetSeconds
}: RateLimitState): Readonly<Record<string, string>> => fields(limit, remaining, resetSeconds)

/** The same for a refusal, with `Retry-After` (RFC 9110, 10.2.3): after that many seconds one request passes. */
export const refusalHeaders = ({ limit, retryAfterSeconds }: TooManyRequests): Readonly<Record<string, string>> => {
  const seconds = Math.max(1, retryAfterSeconds)
  return { "retry-after": String(seconds), ...(limit === undefined ? undefined : fields(limit, 0, seconds)) }
}
