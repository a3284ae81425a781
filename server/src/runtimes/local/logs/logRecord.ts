import { Option, Schema } from "effect"

/**
 * One line in a log file: JSON, terminated by a newline. Keys are short because each line has them: time in epoch milliseconds,
 * revision, instance, stream (`o`ut, `e`rr, `s`ystem), line, and whether it was cut.
 */
export const LogRecord = Schema.Struct({
  t: Schema.Number,
  r: Schema.String,
  i: Schema.String,
  s: Schema.Literal("o", "e", "s"),
  l: Schema.String,
  x: Schema.optional(Schema.Literal(1))
})
export type LogRecord = typeof LogRecord.Type

export const streamNames = { o: "stdout", e: "stderr", s: "system" } as const

const decode = Schema.decodeUnknownOption(LogRecord)

/** Encodes one record, with its newline. */
export const encodeRecord = (record: LogRecord): string => `${JSON.stringify(record)}\n`

/** A record, or nothing if a file contains something else: an interrupted write. */
export const decodeRecord = (line: string): LogRecord | undefined => {
  try {
    return Option.getOrUndefined(decode(JSON.parse(line)))
  } catch {
    return undefined
  }
}
