import type { RateLimit } from "./RateLimits.ts"

/** For each credential: `MAXCLOUD_RATE_LIMIT`. */
export const credentialLimit = (requestsPerMinute: number): RateLimit => ({
  name: "credential",
  quota: requestsPerMinute,
  windowSeconds: 60
})

/** The gate's other rate limits. Those for signing in are in `tenancy/identity/signInLimits.ts`. */
export const limits = {
  /** For each network address: operations that need no credential. */
  open: { name: "address", quota: 300, windowSeconds: 60 },
  /** For each network address: missing, unknown or expired credentials. A valid one is still accepted. */
  failedAuthentication: { name: "failed-authentication", quota: 30, windowSeconds: 300 },
  /**
   * For each network address: requests of other sites and of proxies to a server in local mode. Limits their entries in
   * the audit log.
   */
  foreignCaller: { name: "foreign-caller", quota: 30, windowSeconds: 300 }
} as const satisfies Readonly<Record<string, RateLimit>>
