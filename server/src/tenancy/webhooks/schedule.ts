import { attemptDelayMs, type Backoff } from "../../base/node/backoff.ts"

const hourMs = 3_600_000

const backoff: Backoff = { baseMs: 5_000, maxMs: 6 * hourMs }

/** The longest that a receiver may ask for, and so the longest wait. */
export const longestWaitMs = 24 * hourMs

/** How long a webhook may fail before it is disabled. */
export const failingDays = 5

/** Milliseconds until a delivery is tried again after so many attempts: 5 seconds, doubled up to 6 hours. */
export const deliveryBackoffMs = (attempts: number, retryAfterMs = 0, random = Math.random()): number =>
  attemptDelayMs(backoff, attempts, retryAfterMs, random)
