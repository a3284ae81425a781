import type { RateLimit } from "./RateLimits.ts"

/** The gate's rate limits. Those of signing in stand beside it (`tenancy/identity/signInLimits.ts`). */
export const limits = {
  /** Of each credential. The gate replaces this quota with `MAXCLOUD_RATE_LIMIT` (`base/settings/limitSettings.ts`). */
  credential: { name: "credential", quota: 1_200, windowSeconds: 60 },
  /** Of each network address, for operations that need no credential. */
  open: { name: "address", quota: 300, windowSeconds: 60 },
  /** Of each network address: credentials that are missing, unknown or expired. One that is right is taken all the same. */
  failedAuthentication: { name: "failed-authentication", quota: 30, windowSeconds: 300 },
  /** Of each network address: requests of other sites and of proxies to a server in local mode. Bounds their entries in the audit log. */
  foreignCaller: { name: "foreign-caller", quota: 30, windowSeconds: 300 }
} as const satisfies Readonly<Record<string, RateLimit>>
