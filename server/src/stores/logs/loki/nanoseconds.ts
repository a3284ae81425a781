/** A line's time (`LogLine.t`) as Loki writes times: nanoseconds since 1970, in decimal. */
export const nanosOf = (t: string): bigint =>
  BigInt(Date.parse(`${t.slice(0, 19)}Z`)) * 1_000_000n + BigInt(t.slice(20, 29))

/** The inverse: 30 characters, like `LogLine.t`. A line has no time before 1970. */
export const timeOfNanos = (nanos: bigint): string => {
  const seconds = nanos / 1_000_000_000n
  const fraction = String(nanos % 1_000_000_000n).padStart(9, "0")
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}.${fraction}Z`
}

const units: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000
}

/** A duration in Loki's limits (Prometheus: `1w3d`, `744h`, `0s`), in milliseconds; undefined if it isn't one. */
export const millisOfDuration = (text: string): number | undefined => {
  if (!/^(\d+(ms|[smhdwy]))+$/.test(text)) return undefined
  let sum = 0
  for (const [, count, unit = ""] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(count) * (units[unit] ?? 0)
  return sum
}

/** `Math.min` and `Math.max` don't accept big integers. */
export const earlier = (a: bigint, b: bigint): bigint => {
  if (b < a) return b
  return a
}
export const later = (a: bigint, b: bigint): bigint => {
  if (b > a) return b
  return a
}
