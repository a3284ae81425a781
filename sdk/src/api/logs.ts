import { ServiceName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { BooleanText, integerText } from "./numberText.ts"
import { openEnum } from "./openEnum.ts"
import { Time, TimeText } from "./time.ts"

/**
 * One line that an instance wrote, or (stream `system`) that the platform wrote about it. `cursor` is the SSE event id, to resume
 * by `Last-Event-ID` without a lost or doubled line. A line over 16 KiB is cut, which `truncated` says; bytes that aren't UTF-8 are replaced.
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

/** Selects lines. Without `follow` a stream ends after the last existing line. */
export const LogParameters = Schema.Struct({
  follow: Schema.optional(BooleanText).annotations({
    description: "Answers with server-sent events, and goes on with lines that are written from now on."
  }),
  since: Schema.optional(TimeText),
  revision: Schema.optional(Schema.String.pipe(Schema.pattern(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/))),
  /** How many of the last lines to begin with, 10,000 at most. @default 100; all where `since` is given */
  tail: Schema.optional(integerText(0, 10_000)),
  /** Of a page: how many lines, 1000 at most. @default 100 */
  limit: Schema.optional(integerText(1, 1000)).annotations({
    description: "How many lines to answer with, up to 1000. Default: 100."
  }),
  cursor: Schema.optional(textUpTo(200, "The cursor")).annotations({
    description: "The `cursor` of a line: the answer begins with the one after it."
  })
})
export interface LogParameters extends Schema.Schema.Type<typeof LogParameters> {}
