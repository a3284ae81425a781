import type { LogEntry } from "@maxcloud/sdk/api"
import type { HistoryCut } from "../../../stores/logs/LogHistory.ts"
import type { LogLine } from "../../../stores/logs/LogLine.ts"
import type { LogQuery } from "../../port/Runtime.ts"
import type { ReaderPositions } from "./ReaderPositions.ts"

const toEntry = (query: LogQuery, line: LogLine, cursor: string): LogEntry => ({
  cursor,
  at: line.t,
  service: query.key.service,
  revision: line.revision,
  instance: line.instance,
  // The log API distinguishes them only with an alpha feature (PodLogsQuerySplitStreams).
  stream: "stdout",
  line: line.line,
  truncated: line.truncated
})

/** Lines for the reader, each with the cursor after it. */
export const deliver = (
  query: LogQuery,
  positions: ReaderPositions,
  lines: ReadonlyArray<LogLine>
): ReadonlyArray<LogEntry> =>
  lines.map((line) => {
    positions.took(line)
    return toEntry(query, line, positions.cursor())
  })

/** Reports that the requested older lines are no longer stored. `days`: the retention. */
export const cutNotice = (
  query: LogQuery,
  positions: ReaderPositions,
  { before, reason }: HistoryCut,
  days: number
): LogEntry => ({
  cursor: positions.cursor(),
  at: new Date().toISOString(),
  service: query.key.service,
  revision: "",
  instance: "",
  stream: "system",
  line: `Lines before ${before.slice(0, 19)}Z have been deleted (${
    reason === "days" ? `after ${days} days` : "the organization's log quota is full"
  })`,
  truncated: false
})
