import { attemptDelayMs, type Backoff } from "../../base/node/backoff.ts"
import type { MailKind } from "./Mail.ts"

const backoff: Backoff = { baseMs: 5_000, maxMs: 3_600_000 }
const daySeconds = 86_400

/** Milliseconds until a mail is retried after this many attempts: 5 seconds, doubled each time up to an hour. */
export const mailBackoffMs = (attempts: number, retryAfterMs = 0, random = Math.random()): number =>
  attemptDelayMs(backoff, attempts, retryAfterMs, random)

/** How long to retry a mail: by then its content has expired. */
export const keptSeconds = (kind: MailKind): number => (kind === "signIn" ? 600 : daySeconds)
