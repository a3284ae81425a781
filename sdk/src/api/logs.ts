import { ServiceName, textUpTo } from "@maxcloud/config-schema"
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

/** Selects lines. Without `follow`, a stream ends after the last existing line. */
export const LogParameters = Schema.Struct({
  follow: Schema.optional(BooleanText).annotations({
    description: "Responds with server-sent events, and continues with new lines."
  }),
  since: Schema.optional(TimeText),
  revision: Schema.optional(Schema.String.pipe(Schema.pattern(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/))),
  /** How many of the last lines to start with, at most 10,000. @default 100; all with `since` */
  tail: Schema.optional(integerText(0, 10_000)),
  /** The number of lines in a page, at most 1000. @default 100 */
  limit: Schema.optional(integerText(1, 1000)).annotations({
    description: "The maximum number of lines in the response, up to 1000. Default: 100."
  }),
  cursor: Schema.optional(textUpTo(200, "The cursor")).annotations({
    description: "The `cursor` of a line: the response starts with the next one."
  })
})
export interface LogParameters extends Schema.Schema.Type<typeof LogParameters> {}
