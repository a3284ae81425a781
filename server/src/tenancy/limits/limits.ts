import type { RateLimit } from "./RateLimits.ts"

/** The gate's rate limits. Those of signing in stand beside it (`tenancy/identity/signInLimits.ts`). */
export const limits = {
  /** Per credential. The gate replaces this quota with `MAXCLOUD_RATE_LIMIT` (`base/settings/limitSettings.ts`). */
  credential: { name: "credential", quota: 1_200, windowSeconds: 60 },
  /** Per network address, for operations that need no credential. */
  open: { name: "address", quota: 300, windowSeconds: 60 },
  /** Per network address: missing, unknown or expired credentials. A valid credential is accepted even over this limit. */
  failedAuthentication: { name: "failed-authentication", quota: 30, windowSeconds: 300 },
  /** Per network address: requests of other sites and of proxies to a server in local mode. Bounds their entries in the audit log. */
  foreignCaller: { name: "foreign-caller", quota: 30, windowSeconds: 300 }
} as const satisfies Readonly<Record<string, RateLimit>>
