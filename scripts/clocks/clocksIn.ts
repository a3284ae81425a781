import { parse } from "@babel/parser"
import { nodesOf } from "../nodesOf.ts"

/** A place that reads the wall clock, or has a library wait or measure by it. */
export interface ClockUse {
  readonly written: string
  readonly file: string
  readonly line: number
}

/** `object.name` that gives the wall clock's time, or that compares times of it inside of the library. */
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

/** The end of a statement's text, where a time of the database is compared with what comes next. */
const comparedTime = /\b[a-z_.]*(?:_at|_until|_after|expires|now\(\)|clock_timestamp\(\))\s*(?:<|>|<=|>=|between)\s*$/

const isLength = /^(?:::\w+)?\s*\*\s*interval\b/

/** Interpolations of a SQL statement that a time of the database is compared with, and that are no length of time. */
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

/** Where a TypeScript source reads the wall clock, or compares times of the database with what a program has computed. */
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
