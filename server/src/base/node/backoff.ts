/** How far apart attempts are: by `baseMs`, doubled with each failure in a row, `maxMs` at most. */
export interface Backoff {
  readonly baseMs: number
  readonly maxMs: number
}

/**
 * Milliseconds to wait after so many failures before this one. For attempts that a row or a state counts; where one effect is tried again,
 * use `Schedule.exponential`.
 */
export const backoffMs = ({ baseMs, maxMs }: Backoff, failures: number): number =>
  Math.min(maxMs, baseMs * 2 ** Math.min(Math.max(failures, 0), 40))

export const dayMs = 86_400_000

/**
 * Milliseconds until something that another server takes is tried again after so many attempts, each by half more or less at random, so
 * that not all come back together. Not before `retryAfterMs`, within a day.
 */
export const attemptDelayMs = (backoff: Backoff, attempts: number, retryAfterMs: number, random: number): number => {
  const ms = backoffMs(backoff, attempts - 1) * (0.5 + random)
  return Math.max(ms, Math.min(retryAfterMs, dayMs))
}

/** A quarter more or less at random, so that those who failed together don't come back together. */
export const jittered = (millis: number): number => millis * (0.75 + Math.random() / 2)
