import { backoffMs } from "../../base/node/backoff.ts"
import type { MailKind } from "./Mail.ts"

const firstMs = 5_000
const longestMs = 3_600_000
const daySeconds = 86_400

/**
 * Milliseconds until a mail is tried again after so many attempts: 5 seconds, doubled each time up to an hour, each by half more or
 * less at random, so that not all come back together. Not before `retryAfterSeconds`, within a day.
 */
export const mailBackoffMs = (attempts: number, retryAfterSeconds = 0, random = Math.random()): number => {
  const ms = backoffMs({ baseMs: firstMs, maxMs: longestMs }, attempts - 1) * (0.5 + random)
  return Math.max(ms, Math.min(retryAfterSeconds, daySeconds) * 1000)
}

/** How long to try a mail: by then its content has expired. */
export const keptSeconds = (kind: MailKind): number => (kind === "signIn" ? 600 : daySeconds)
