import { attemptDelayMs, type Backoff } from "../../base/node/backoff.ts"

const hourMs = 3_600_000

const backoff: Backoff = { baseMs: 5_000, maxMs: 6 * hourMs }

/** The maximum delay that a receiver can request, and so the longest wait. */
export const longestWaitMs = 24 * hourMs

/** How long a webhook may fail before it's disabled. */
export const failingDays = 5

/** Milliseconds until a delivery is retried after this many attempts: 5 seconds, doubled up to 6 hours. */
export const deliveryBackoffMs = (attempts: number, retryAfterMs = 0, random = Math.random()): number =>
  attemptDelayMs(backoff, attempts, retryAfterMs, random)
