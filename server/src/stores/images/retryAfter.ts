import type { IncomingHttpHeaders } from "node:http"

/** Longer than this no registry is left alone: what it says may be wrong. */
const longestMs = 3_600_000

/**
 * What `Retry-After` says (RFC 9110, 10.2.3): seconds, or a date, which is compared with the `Date` of the same answer since clocks differ.
 * Undefined where there is none, or none that can be read.
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

/** Which registries have said that they are not to be asked for a while, and by whom. */
export const makeRegistryPauses = (now: () => number = () => performance.now()) => {
  const until = new Map<string, number>()
  return {
    pause: (key: string, milliseconds: number | undefined): void => {
      if (milliseconds === undefined || milliseconds <= 0) return
      const end = Math.max(until.get(key) ?? 0, now() + milliseconds)
      until.delete(key)
      until.set(key, end)
      // Tenants name registries: of too many, the one that was told first is asked again.
      const [oldest] = until.keys()
      if (until.size > mostPauses && oldest !== undefined) until.delete(oldest)
    },
    /** Milliseconds until it may be asked again; 0: now. */
    leftMs: (key: string): number => Math.max(0, (until.get(key) ?? 0) - now())
  }
}
