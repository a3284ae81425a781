/** The time between attempts: `baseMs`, doubled with each consecutive failure, up to `maxMs`. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait after this many earlier failures. For attempts counted in a row or a state. To retry a single
 * effect, use `Schedule.exponential`.
 */
export const backoffMs = ({ baseMs, maxMs }: Backoff, failures: number): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures, 0), 40))

export const dayMs = 86_400_000

/**
 * Milliseconds until the next attempt at something that another server receives, each varied by half at random, so that
 * they don't all come back together. Not before `retryAfterMs`, within a day.
 */
export const attemptDelayMs = (backoff: Backoff, attempts: number, retryAfterMs: number, random: number): number => {
  const ms = backoffMs(backoff, attempts - 1) * (0.5 + random)
  return Math.max(ms, Math.min(retryAfterMs, dayMs))
}

/** A quarter more or less at random, so that attempts that failed together don't come back together. */
export const jittered = (millis: number): number => millis * (0.75 + Math.random() / 2)
