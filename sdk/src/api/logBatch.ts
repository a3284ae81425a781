import { Either, Schema } from "effect"
import { LogBatch, type LogEntry } from "./logs.ts"

/** Length of what two texts begin with. */
const sharedLength = (a: string, b: string, most: number): number => {
  let length = 0
  while (length < most && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++
  return length
}

/** What all texts begin with. */
const beginningOf = (texts: ReadonlyArray<string>): string => {
  const [first = ""] = texts
  let length = first.length
  for (const text of texts) length = sharedLength(first, text, length)
  return first.slice(0, length)
}

const rests = (texts: ReadonlyArray<string>, beginning: string) =>
  texts.map((text) => text.slice(beginning.length)).join("\n")

/** Lines of one service as a batch. Undefined if a text has a newline: then they can't be sent together. */
export const toBatch = (entries: ReadonlyArray<LogEntry>): LogBatch | undefined => {
  const [first] = entries
  if (first === undefined) return undefined
  const sources: Array<LogBatch["sources"][number]> = []
  const indexes = new Map<string, number>()
  const from: Array<number> = []
  const truncated: Array<number> = []
  let newest = { instance: "", revision: "", stream: "", index: -1 }
  for (const [n, entry] of entries.entries()) {
    const { cursor, instance, line, revision, service, stream } = entry
    if (line.includes("\n") || cursor.includes("\n") || service !== first.service) return undefined
    if (instance !== newest.instance || revision !== newest.revision || stream !== newest.stream || newest.index < 0) {
      const key = `${instance}\n${revision}\n${stream}`
      const known = indexes.get(key) ?? sources.push({ revision, instance, stream }) - 1
      indexes.set(key, known)
      newest = { instance, revision, stream, index: known }
    }
    from.push(newest.index)
    if (entry.truncated) truncated.push(n)
  }
  const times = entries.map(({ at }) => at)
  const cursors = entries.map(({ cursor }) => cursor)
  const at = beginningOf(times)
  const cursor = beginningOf(cursors)
  return {
    service: first.service,
    sources,
    at,
    cursor,
    lines: entries.map(({ line }) => line).join("\n"),
    times: rests(times, at),
    cursors: rests(cursors, cursor),
    from: sources.length === 1 ? "" : from.join("\n"),
    truncated
  }
}

/** The lines of a batch; undefined if its parts don't fit together. */
const entriesOf = (batch: LogBatch): ReadonlyArray<LogEntry> | undefined => {
  const lines = batch.lines.split("\n")
  const times = batch.times.split("\n")
  const cursors = batch.cursors.split("\n")
  const from = batch.from === "" ? undefined : batch.from.split("\n")
  if (times.length !== lines.length || cursors.length !== lines.length) return undefined
  const truncated = new Set(batch.truncated)
  const entries: Array<LogEntry> = []
  for (const [n, line] of lines.entries()) {
    const source = batch.sources[from === undefined ? 0 : Number(from[n])]
    if (source === undefined) return undefined
    entries.push({
      cursor: batch.cursor + cursors[n],
      at: batch.at + times[n],
      service: batch.service,
      revision: source.revision,
      instance: source.instance,
      stream: source.stream,
      line,
      truncated: truncated.has(n)
    })
  }
  return entries
}

const decodeBatch = Schema.decodeUnknownEither(Schema.parseJson(LogBatch))

/** The lines of an event `logs`. */
export const fromBatch = (data: string): Either.Either<ReadonlyArray<LogEntry>, { readonly message: string }> =>
  Either.flatMap(decodeBatch(data), (batch) => {
    const entries = entriesOf(batch)
    return entries === undefined
      ? Either.left({ message: "the parts of a batch of log lines don't fit together" })
      : Either.right(entries)
  })
