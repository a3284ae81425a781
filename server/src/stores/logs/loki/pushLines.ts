import { compareLines, type LogLine, sameLine } from "../LogLine.ts"
import { LokiError, type PushedValue } from "./LokiClient.ts"
import type { Labels } from "./logql.ts"
import { nanosOf } from "./nanoseconds.ts"

const bytesAtOnce = 2 ** 19
const linesAtOnce = 5_000

const sizeOf = ({ instance, line, revision, uid }: LogLine) =>
  Buffer.byteLength(line) + uid.length + instance.length + revision.length + 64

/**
 * Lines in order, each once, in batches that Loki accepts with its default settings (4 MiB a request, 3 MiB a second and
 * stream).
 */
export const batchesOf = (
  unsorted: ReadonlyArray<LogLine>,
  most = { bytes: bytesAtOnce, lines: linesAtOnce }
): ReadonlyArray<ReadonlyArray<LogLine>> => {
  const batches: Array<Array<LogLine>> = []
  let batch: Array<LogLine> = []
  let bytes = 0
  let previous: LogLine | undefined
  for (const line of unsorted.toSorted(compareLines)) {
    if (previous !== undefined && sameLine(previous, line)) continue
    previous = line
    const size = sizeOf(line)
    if (batch.length > 0 && (bytes + size > most.bytes || batch.length >= most.lines)) {
      batches.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(line)
    bytes += size
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}

/** The fields that distinguish lines are structured metadata, because a Loki should have few stream labels. */
export const valueOf = ({ instance, line, n, revision, t, truncated, uid }: LogLine): PushedValue => [
  String(nanosOf(t)),
  line.toWellFormed(),
  { uid, instance, revision, n: String(n), ...(truncated ? { truncated: "true" } : {}) }
]

/** The hour of a line, as a stream label for lines that come late. */
const hourOf = ({ t }: LogLine) => `${t.slice(0, 13)}Z`

/** Loki reports times in whole seconds, rounded down, so we use the second after. */
const secondAfter = (told: string) => new Date(Date.parse(told) + 1000).toISOString().slice(0, 19)

/** The latest of the times that a refusal names. */
const latest = (text: string, pattern: RegExp): string | undefined =>
  [...text.matchAll(pattern)]
    .map(([, t]) => t)
    .filter((t) => t !== undefined && !Number.isNaN(Date.parse(t)))
    .map((t) => new Date(Date.parse(t ?? "")).toISOString())
    .sort()
    .at(-1)

const oldestOfStream = /too far behind[^\n]*?oldest acceptable timestamp is: (\d[-\dT:]+(?:Z|[+-][\d:]+))/g
const oldestOfAll = /timestamp too old: [^\n]*?oldest acceptable timestamp is: (\d[-\dT:]+(?:Z|[+-][\d:]+))/g
const tooNew = /timestamp too new: (\d[-\dT:]+(?:Z|[+-][\d:]+))/

export interface Verdict {
  /** Pushed to a stream of their hour: they came after lines that are much newer. */
  readonly late: ReadonlyArray<LogLine>
  /** Loki will never accept them. */
  readonly lost: ReadonlyArray<LogLine>
  /** Pushed again, part by part. */
  readonly again: ReadonlyArray<ReadonlyArray<LogLine>>
}

const split = (lines: ReadonlyArray<LogLine>, late: (line: LogLine) => boolean) =>
  [lines.filter(late), lines.filter((line) => !late(line))] as const

/** The longest prefix that's at most half as long, in whole characters. */
const shortened = (line: LogLine): LogLine => ({
  ...line,
  line: line.line.slice(0, Math.trunc(line.line.length / 2)).replace(/[\ud800-\udbff]$/, ""),
  truncated: true
})

/**
 * Decides about lines after a refusal by Loki with this message. Loki accepts the valid lines of a request, and names
 * some of the others. Accepted lines may be pushed again. Each retry has fewer lines, or shorter ones.
 */
export const judge = (lines: ReadonlyArray<LogLine>, refusal: string, isLate: boolean): Verdict => {
  const old = latest(refusal, oldestOfAll)
  if (old !== undefined) {
    const [lost, rest] = split(lines, ({ t }) => t < secondAfter(old))
    if (lost.length > 0) return { late: [], lost, again: rest.length === 0 ? [] : [rest] }
  }
  const behind = isLate ? undefined : latest(refusal, oldestOfStream)
  if (behind !== undefined) {
    const [late, rest] = split(lines, ({ t }) => t < secondAfter(behind))
    if (late.length > 0) return { late, lost: [], again: rest.length === 0 ? [] : [rest] }
  }
  const ahead = tooNew.exec(refusal)?.[1]
  if (ahead !== undefined && !Number.isNaN(Date.parse(ahead))) {
    const from = new Date(Date.parse(ahead)).toISOString().slice(0, 19)
    const [lost, rest] = split(lines, ({ t }) => t >= from)
    if (lost.length > 0) return { late: [], lost, again: rest.length === 0 ? [] : [rest] }
  }
  const [only] = lines
  if (lines.length > 1) {
    const half = Math.ceil(lines.length / 2)
    return { late: [], lost: [], again: [lines.slice(0, half), lines.slice(half)] }
  }
  if (only !== undefined && only.line.length > 256 && /max entry size|too large|too long/.test(refusal)) {
    return { late: [], lost: [], again: [[shortened(only)]] }
  }
  return { late: [], lost: lines, again: [] }
}

export interface Pushing {
  readonly push: (labels: Labels, values: ReadonlyArray<PushedValue>) => Promise<void>
  readonly labels: Labels
  /** Called with lines that Loki won't accept. */
  readonly lost: (lines: ReadonlyArray<LogLine>, why: string) => void
}

/** Pushes lines until Loki has all that it accepts. Rejects if Loki is unreachable. */
export const deliver = async (pushing: Pushing, lines: ReadonlyArray<LogLine>, hour?: string): Promise<void> => {
  if (lines.length === 0) return
  const labels = hour === undefined ? pushing.labels : { ...pushing.labels, late: hour }
  try {
    await pushing.push(labels, lines.map(valueOf))
  } catch (cause) {
    if (!(cause instanceof LokiError) || cause.reason !== "refused") throw cause
    const { again, late, lost } = judge(lines, cause.text, hour !== undefined)
    if (lost.length > 0) pushing.lost(lost, cause.message)
    for (const [ofHour, part] of Map.groupBy(late, hourOf)) await deliver(pushing, part, ofHour)
    for (const part of again) await deliver(pushing, part, hour)
  }
}
