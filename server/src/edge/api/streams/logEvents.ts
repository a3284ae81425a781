import { LogEntry, toBatch } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { ServerSentEvent } from "./sse.ts"

const encodeEntry = Schema.encodeSync(LogEntry)

export const toLogEvent = (entry: LogEntry): ServerSentEvent => ({
  id: entry.cursor,
  event: "log",
  data: encodeEntry(entry)
})

/** Lines and characters of a batch: a reader handles a batch at a time, so it stays small. */
const mostOfBatch = { lines: 1_000, characters: 256 * 1024 }

/** The length of the next batch, at least one line. */
const batchLength = (entries: ReadonlyArray<LogEntry>, begin: number): number => {
  let characters = 0
  let length = 0
  for (let n = begin; n < entries.length && length < mostOfBatch.lines; n++, length++) {
    characters += (entries[n]?.line.length ?? 0) + (entries[n]?.cursor.length ?? 0)
    if (characters > mostOfBatch.characters) break
  }
  return Math.max(1, length)
}

/** Lines in few events, each with the cursor of its last line as id. */
export const toBatchEvents = (entries: ReadonlyArray<LogEntry>): ReadonlyArray<ServerSentEvent> => {
  const events: Array<ServerSentEvent> = []
  for (let begin = 0; begin < entries.length; ) {
    const part = entries.slice(begin, begin + batchLength(entries, begin))
    begin += part.length
    const batch = part.length === 1 ? undefined : toBatch(part)
    if (batch === undefined) events.push(...part.map(toLogEvent))
    else events.push({ id: part.at(-1)?.cursor, event: "logs", data: batch })
  }
  return events
}
