import { listUpTo, ServiceName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { BooleanText, integerText } from "./numberText.ts"
import { openEnum } from "./openEnum.ts"
import { Time, TimeText } from "./time.ts"

/**
 * One line that an instance wrote, or that the platform wrote about it (stream `system`). `cursor` is the SSE event id, to resume with
 * `Last-Event-ID` without losing or repeating a line. A line over 16 KiB is cut and marked `truncated`; bytes that aren't UTF-8 are replaced.
 */
export const LogEntry = Schema.Struct({
  cursor: Schema.String,
  at: Time,
  service: ServiceName,
  revision: Schema.String,
  instance: Schema.String,
  stream: openEnum("stdout", "stderr", "system"),
  line: Schema.String,
  truncated: Schema.Boolean
}).annotations({ identifier: "LogEntry" })
export interface LogEntry extends Schema.Schema.Type<typeof LogEntry> {}

/** Names 200 instances. Node accepts headers of 16 KiB in all. */
export const longestCursor = 12_000

/** Longest batch in characters of text: the server splits what arrives at once. */
const mostBatchCharacters = 2 ** 22
const batchText = textUpTo(mostBatchCharacters, "A batch")

/**
 * Lines of one service in one event (`batched=true`), each text with the lines' parts separated by newlines. A line's time is `at` and its
 * part of `times`, and its cursor `cursor` and its part of `cursors`: what all of them begin with is sent once.
 */
export const LogBatch = Schema.Struct({
  service: ServiceName,
  sources: listUpTo(
    Schema.Struct({ revision: Schema.String, instance: Schema.String, stream: openEnum("stdout", "stderr", "system") }),
    10_000,
    "A batch"
  ),
  at: textUpTo(64, "The time"),
  cursor: textUpTo(longestCursor, "The cursor"),
  lines: batchText,
  times: batchText,
  cursors: batchText,
  /** The index of each line's source; empty if there is only one. */
  from: batchText,
  /** The indexes of the lines that are truncated. */
  truncated: listUpTo(Schema.NonNegativeInt, 10_000, "A batch")
}).annotations({ identifier: "LogBatch" })
export interface LogBatch extends Schema.Schema.Type<typeof LogBatch> {}

/** Selects lines. Without `follow`, a stream ends after the last existing line. */
export const LogParameters = Schema.Struct({
  follow: Schema.optional(BooleanText).annotations({
    description: "Responds with server-sent events, and continues with new lines."
  }),
  batched: Schema.optional(BooleanText).annotations({
    description:
      "In a stream: sends lines that arrive together in one event `logs`, whose data is a `LogBatch`, instead of an event `log` for each."
  }),
  since: Schema.optional(TimeText),
  revision: Schema.optional(
    Schema.String.pipe(
      Schema.pattern(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/, {
        message: () => 'Use the name of a revision, such as "web-00002". `maxcloud describe` lists them.'
      })
    )
  ),
  /** How many of the last lines to start with, at most 10,000. @default 100; all with `since` */
  tail: Schema.optional(integerText(0, 10_000)),
  /** The number of lines in a page, at most 1000. @default 100 */
  limit: Schema.optional(integerText(1, 1000)).annotations({
    description: "The maximum number of lines in the response, up to 1000. Default: 100."
  }),
  cursor: Schema.optional(textUpTo(longestCursor, "The cursor")).annotations({
    description: "The `cursor` of a line: the response starts with the next one."
  })
})
export interface LogParameters extends Schema.Schema.Type<typeof LogParameters> {}
