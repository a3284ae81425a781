import type { RateLimit } from "./RateLimits.ts"

/** Of each credential: `MAXCLOUD_RATE_LIMIT`. */
export const credentialLimit = (requestsPerMinute: number): RateLimit => ({
  name: "credential",
  quota: requestsPerMinute,
  windowSeconds: 60
})

/** The gate's other rate limits. Those of signing in stand beside it (`tenancy/identity/signInLimits.ts`). */
export const limits = {
  /** Of each network address, for operations that need no credential. */
  open: { name: "address", quota: 300, windowSeconds: 60 },
  /** Of each network address: credentials that are missing, unknown or expired. One that is right is taken all the same. */
  failedAuthentication: { name: "failed-authentication", quota: 30, windowSeconds: 300 },
  /** Of each network address: requests of other sites and of proxies to a server in local mode. Bounds their entries in the audit log. */
  foreignCaller: { name: "foreign-caller", quota: 30, windowSeconds: 300 }
} as const satisfies Readonly<Record<string, RateLimit>>
