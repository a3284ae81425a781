import { parse } from "@babel/parser"
import { nodesOf } from "../nodesOf.ts"

/** A place that reads the wall clock, or makes a library wait or measure by it. */
export interface ClockUse {
  readonly written: string
  readonly file: string
  readonly line: number
}

/** Calls (`object.name`) that return the wall clock's time, or that compare its times inside the library. */
const readers: ReadonlySet<string> = new Set([
  "Date.now",
  "Clock.currentTimeMillis",
  "clock.unsafeCurrentTimeMillis",
  "DateTime.now",
  "DateTime.nowAsDate",
  "DateTime.unsafeNow",
  // Effect 3.22 measures these by `Clock.currentTimeMillis` (src/internal/schedule.ts, cache.ts, rcMap.ts, pool.ts, stream.ts).
  "Schedule.upTo",
  "Schedule.recurUpTo",
  "Schedule.elapsed",
  "Schedule.during",
  "Schedule.fixed",
  "Schedule.windowed",
  "Schedule.resetAfter",
  "Effect.cachedWithTTL",
  "Effect.cachedInvalidateWithTTL",
  "Cache.make",
  "Cache.makeWith",
  "ScopedCache.make",
  "ScopedCache.makeWith",
  "RcMap.make",
  "KeyedPool.makeWithTTL",
  "Pool.makeWithTTL",
  "Stream.throttle",
  "Stream.throttleEffect",
  "Metric.timer"
])

const nameOf = (node: unknown): string =>
  typeof node === "object" && node !== null && "name" in node && typeof node.name === "string" ? node.name : ""

/** Matches the text before an interpolation if it compares a time of the database with that interpolation. */
const comparedTime = /\b[a-z_.]*(?:_at|_until|_after|expires|now\(\)|clock_timestamp\(\))\s*(?:<|>|<=|>=|between)\s*$/

const isLength = /^(?:::\w+)?\s*\*\s*interval\b/

/** Interpolations that a SQL statement compares with a time of the database, except durations. */
const comparedIn = (text: string, node: Readonly<Record<string, unknown>>): ReadonlyArray<number> => {
  const quasi = node["quasi"]
  if (typeof quasi !== "object" || quasi === null || !("quasis" in quasi) || !Array.isArray(quasi.quasis)) return []
  const parts = quasi.quasis.map((each) => ({
    start: Number(each.start),
    text: text.slice(Number(each.start), Number(each.end))
  }))
  return parts.flatMap((part, at) => {
    const next = parts[at + 1]
    return next !== undefined && comparedTime.test(part.text) && !isLength.test(next.text)
      ? [part.start + part.text.length]
      : []
  })
}

/** Finds where a TypeScript source reads the wall clock, or compares times of the database with times that the program computed. */
export const clocksIn = (text: string, file: string): ReadonlyArray<ClockUse> => {
  const { program } = parse(text, { sourceType: "module", plugins: ["typescript"] })
  const lineOf = (at: unknown) => text.slice(0, Number(at)).split("\n").length
  return [...nodesOf(program)].flatMap((node): ReadonlyArray<ClockUse> => {
    const { arguments: given, callee, object, property, start, tag, type } = node
    if (type === "MemberExpression") {
      const written = `${nameOf(object)}.${nameOf(property)}`
      return readers.has(written) ? [{ written, file, line: lineOf(start) }] : []
    }
    if ((type === "NewExpression" || type === "CallExpression") && nameOf(callee) === "Date")
      return Array.isArray(given) && given.length === 0 ? [{ written: "new Date()", file, line: lineOf(start) }] : []
    if (type === "TaggedTemplateExpression" && nameOf(tag) === "sql")
      return comparedIn(text, node).map((at) => ({ written: "sql", file, line: lineOf(at) }))
    return []
  })
}
