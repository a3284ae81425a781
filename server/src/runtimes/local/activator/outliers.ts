import { backoffMs } from "../../../base/node/backoff.ts"

/** The record of an instance's last requests. Plain data, changed only by `afterRequest`. */
export interface Standing {
  /** Failed requests in a row. */
  readonly failures: number
  /** Times in a row that it was passed over, without an answer since. */
  readonly ejections: number
  /** It is passed over until this time of a monotonic clock in milliseconds. */
  readonly untilMs: number
}

/** `failed`: the connection was refused or reset, or the answer's head didn't arrive in time. */
export type Outcome = "answered" | "failed"

export const goodStanding: Standing = { failures: 0, ejections: 0, untilMs: 0 }

export const failuresUntilEjected = 3
export const firstEjectionMs = 5_000
export const longestEjectionMs = 60_000

/**
 * Passes over an instance after three failures in a row: for five seconds, then twice as long each time, up to a minute. After
 * that it is tried again, and one more failure is enough. Any answer, also to an earlier request, clears everything.
 */
export const afterRequest = (standing: Standing, outcome: Outcome, nowMs: number): Standing => {
  if (outcome === "answered") return goodStanding
  if (isEjected(standing, nowMs)) return standing
  const failures = standing.failures + 1
  if (standing.ejections === 0 && failures < failuresUntilEjected) return { ...standing, failures }
  const forMs = backoffMs({ baseMs: firstEjectionMs, maxMs: longestEjectionMs }, standing.ejections)
  return { failures: 0, ejections: standing.ejections + 1, untilMs: nowMs + forMs }
}

export const isEjected = ({ untilMs }: Standing, nowMs: number): boolean => nowMs < untilMs
