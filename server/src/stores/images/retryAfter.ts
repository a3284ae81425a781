import type { IncomingHttpHeaders } from "node:http"

/** Longer than this no registry is left alone: what it says may be wrong. */
const longestMs = 3_600_000

/**
 * Reads `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which is compared with the same answer's `Date` because clocks differ.
 * Undefined if it is missing or unreadable.
 */
export const retryAfterMs = (headers: IncomingHttpHeaders): number | undefined => {
  const said = headers["retry-after"]?.trim()
  if (said === undefined) return undefined
  if (/^\d{1,10}$/.test(said)) return Math.min(longestMs, Number(said) * 1000)
  const [until, now] = [Date.parse(said), Date.parse(headers.date ?? "")]
  if (!/^[A-Za-z]/.test(said) || Number.isNaN(until) || Number.isNaN(now)) return undefined
  return Math.min(longestMs, Math.max(0, until - now))
}

const mostPauses = 5_000

/** Remembers which registries asked for a pause, and from whom. */
export const makeRegistryPauses = (now: () => number = () => performance.now()) => {
  const until = new Map<string, number>()
  return {
    pause: (key: string, milliseconds: number | undefined): void => {
      if (milliseconds === undefined || milliseconds <= 0) return
      const end = Math.max(until.get(key) ?? 0, now() + milliseconds)
      until.delete(key)
      until.set(key, end)
      // Tenants name registries. If there are too many, we forget the oldest pause.
      const [oldest] = until.keys()
      if (until.size > mostPauses && oldest !== undefined) until.delete(oldest)
    },
    /** Milliseconds until it may be asked again; 0: now. */
    leftMs: (key: string): number => Math.max(0, (until.get(key) ?? 0) - now())
  }
}
