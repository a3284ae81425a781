import { stripVTControlCharacters } from "node:util"
import type { LogEntry } from "@maxcloud/sdk/api"

/** Levels of log lines, from the least to the most severe. */
export const levels = ["trace", "debug", "info", "warn", "error", "fatal"] as const
export type Level = (typeof levels)[number]

/** Names that loggers and syslog (RFC 5424, 6.2.1) use for each. */
const levelOfWord: Readonly<Record<string, Level>> = {
  trace: "trace",
  trce: "trace",
  verbose: "trace",
  silly: "trace",
  debug: "debug",
  dbug: "debug",
  dbg: "debug",
  info: "info",
  information: "info",
  informational: "info",
  inf: "info",
  log: "info",
  notice: "info",
  warn: "warn",
  warning: "warn",
  wrn: "warn",
  error: "error",
  err: "error",
  fail: "error",
  severe: "error",
  fatal: "fatal",
  ftl: "fatal",
  critical: "fatal",
  crit: "fatal",
  alert: "fatal",
  emerg: "fatal",
  emergency: "fatal",
  panic: "fatal"
}

const ofWord = (word: string | undefined): Level | undefined => {
  const lower = (word ?? "").toLowerCase()
  return Object.hasOwn(levelOfWord, lower) ? levelOfWord[lower] : undefined
}

/** Parses a user's level, such as `warning`. */
export const parseLevel = ofWord

/** How far into a line we look for its level. The text after that is the message. */
const headLength = 160

/** pino and bunyan use numbers from 10 to 60. */
const ofNumber = (number: number): Level | undefined =>
  number % 10 === 0 && number >= 10 && number <= 60 ? levels[number / 10 - 1] : undefined

const ofValue = (value: unknown): Level | undefined =>
  typeof value === "number" ? ofNumber(value) : typeof value === "string" ? ofWord(value) : undefined

const ofJson = (line: string): Level | undefined => {
  let parsed: unknown
  try {
    parsed = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof parsed !== "object" || parsed === null) return undefined
  const fields = new Map(Object.entries(parsed))
  return ["level", "severity", "lvl", "log.level", "levelname", "@l"]
    .map((name) => ofValue(fields.get(name)))
    .find((name) => name !== undefined)
}

const klog: Readonly<Record<string, Level>> = { I: "info", W: "warn", E: "error", F: "fatal" }

/** The level in the text of a line. Each pattern reads it once, from left to right. */
const ofText = (line: string): Level | undefined => {
  const head = line.slice(0, headLength)
  const named = ofWord(/\b(?:level|lvl|severity)["']?\s?[=:]\s?["']?([a-z]+)/i.exec(head)?.[1])
  if (named !== undefined) return named
  if (/^[IWEF]\d{4} /.test(head)) return klog[head.charAt(0)]
  for (const [, bracketed] of head.matchAll(/[[(<|]\s?([A-Za-z]+)\s?[\])>|]/g)) {
    const found = ofWord(bracketed)
    if (found !== undefined) return found
  }
  // `error: …` at the beginning; capitals anywhere in the head, since a lower-case word is part of the message.
  const first = ofWord(/^[^A-Za-z]{0,40}([A-Za-z]+)(?:\s?:|\s-\s|!)/.exec(head)?.[1])
  if (first !== undefined) return first
  for (const [word] of head.matchAll(/\b[A-Z]{3,}\b/g)) {
    const found = ofWord(word)
    if (found !== undefined) return found
  }
  if (/^(?:Uncaught )?(?:[A-Z]\w*)?(?:Error|Exception)\b/.test(head)) return "error"
  return head.startsWith("Traceback (most recent call last)") ? "error" : undefined
}

/** The platform's `system` lines about an instance that has exited. */
const ended =
  /^(?:it was ready(?: and now fails|, and fails since): )?the program (?:(?:was )?ended|was (?:killed|stopped))|; (?:retrying|next try) in [\d.]+ s$/

/** Continues the previous line: part of a stack trace, or of a value printed on several lines. */
const continues = /^(?:\s|Caused by:|\}|\]|\.\.\. )/

/**
 * Returns the level of each line; call it in order. A line without a level that looks like a continuation takes the level of the previous
 * line. Otherwise it is `error` on stderr and `info` on stdout, as on other platforms.
 */
export const makeLevels = (): ((entry: Pick<LogEntry, "instance" | "line" | "stream">) => Level) => {
  const last = new Map<string, Level>()
  return ({ instance, line, stream }) => {
    const key = `${instance} ${stream}`
    const text = stripVTControlCharacters(line)
    const before = continues.test(text) ? last.get(key) : undefined
    const told = before ?? (text.startsWith("{") ? ofJson(text) : undefined) ?? ofText(text)
    const level = told ?? (stream === "stderr" || (stream === "system" && ended.test(text)) ? "error" : "info")
    last.set(key, level)
    return level
  }
}
