import type { RateLimit } from "./RateLimits.ts"

/** The server's rate limits. */
export const limits = {
  /** For each session, API key, or OIDC trust; `quota` is set by `MAXCLOUD_RATE_LIMIT`. */
  credential: { name: "credential", quota: 1200, windowSeconds: 60 },
  /** For each address: operations that need no credential. */
  open: { name: "open", quota: 300, windowSeconds: 60 },
  /** For each address: requests whose credential is missing or wrong. */
  failedAuthentication: { name: "failed-authentication", quota: 60, windowSeconds: 60 }
} as const satisfies Readonly<Record<string, RateLimit>>
