interface Written {
  readonly "retry-after"?: string | ReadonlyArray<string> | null | undefined
  readonly date?: string | ReadonlyArray<string> | null | undefined
}

/**
 * How many milliseconds a server asks us to wait, from its `Retry-After` (RFC 9110, 10.2.3): seconds, or a date, which
 * is compared with the same response's `Date` because clocks differ. At most `mostMs`, since the value may be wrong.
 * Undefined: missing or unreadable.
 */
export const retryAfterMs = (headers: Written, mostMs: number): number | undefined => {
  const { date, "retry-after": written } = headers
  if (typeof written !== "string") return undefined
  const text = written.trim()
  if (/^\d{1,10}$/.test(text)) return Math.min(mostMs, Number(text) * 1000)
  const [until, now] = [Date.parse(text), Date.parse(typeof date === "string" ? date : "")]
  if (!/^[A-Za-z]/.test(text) || Number.isNaN(until) || Number.isNaN(now)) return undefined
  return Math.min(mostMs, Math.max(0, until - now))
}

/** The same for `fetch`'s headers. */
export const retryAfterMsOf = (headers: Headers, mostMs: number): number | undefined =>
  retryAfterMs({ "retry-after": headers.get("retry-after"), date: headers.get("date") }, mostMs)
