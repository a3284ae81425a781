import type { RateLimitState } from "./RateLimits.ts"

/** Header fields that tell how often one may call (draft-ietf-httpapi-ratelimit-headers). */
export const rateLimitHeaders = ({ limit, remaining, resetSeconds }: RateLimitState) => ({
  "ratelimit-policy": `"${limit.name}";q=${limit.quota};w=${limit.windowSeconds}`,
  ratelimit: `"${limit.name}";r=${Math.max(0, Math.floor(remaining))};t=${Math.ceil(resetSeconds)}`
})
