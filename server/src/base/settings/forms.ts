import { resolve } from "node:path"
import { type Array, Duration, Option, Redacted, Schema } from "effect"
import type { Form } from "./setting.ts"

/** A value that a schema reads. */
export const form = <A, I extends string>(schema: Schema.Schema<A, I>, help: string): Form<A> => ({
  read: Schema.decodeUnknownOption(schema),
  help
})

/** Any text. */
export const text: Form<string> = { read: Option.some, help: "write a text", emptyIsUnset: true }

/** A folder or file; the value is its absolute path. */
export const absolutePath: Form<string> = { ...text, read: (written) => Option.some(resolve(written)) }

/** A text that no message, log or error may contain. */
export const secret: Form<Redacted.Redacted> = {
  read: (written) => Option.some(Redacted.make(written)),
  help: "write a text",
  secret: true
}

export const oneOf = <const Words extends Array.NonEmptyReadonlyArray<string>>(
  ...words: Words
): Form<Words[number]> => {
  const quoted = words.map((word) => `"${word}"`)
  return form(Schema.Literal(...words), `write ${[quoted.slice(0, -1).join(", "), ...quoted.slice(-1)].join(" or ")}`)
}

export const onOff: Form<boolean> = form(
  Schema.transform(Schema.Literal("1", "0", "true", "false"), Schema.Boolean, {
    strict: true,
    decode: (value) => value === "1" || value === "true",
    encode: (value) => (value ? "true" : "false")
  }),
  'write "true" or "false"'
)

/** A whole number. `what`: `days, a whole number from 1 on`. */
export const whole = (least: number, most: number, what: string): Form<number> =>
  form(Schema.NumberFromString.pipe(Schema.int(), Schema.between(least, most)), what)

export const port: Form<number> = whole(0, 65_535, "a port is a whole number from 0 to 65535")

/** Seconds, may be fractional. */
export const seconds = (least: number, most: number): Form<Duration.Duration> =>
  form(
    Schema.transform(Schema.NumberFromString.pipe(Schema.between(least, most)), Schema.DurationFromSelf, {
      strict: true,
      decode: (value) => Duration.seconds(value),
      encode: (value) => Duration.toSeconds(value)
    }),
    `seconds, from ${least} to ${most}`
  )

export const httpUrl = (example: string): Form<string> =>
  form(Schema.String.pipe(Schema.pattern(/^https?:\/\/[^\s]+$/)), `a URL is written as "${example}"`)

/** A URL that paths are appended to, without a trailing slash. */
export const baseUrl = (example: string): Form<string> => {
  const url = httpUrl(example)
  return { ...url, read: (written) => Option.map(url.read(written), (found) => found.replace(/\/+$/, "")) }
}

/** Comma-separated words, such as hosts; empty: none. */
export const Words = Schema.transform(Schema.String, Schema.Array(Schema.String), {
  strict: true,
  decode: (text) => text.split(",").flatMap((word) => (word.trim() === "" ? [] : [word.trim()])),
  encode: (each) => each.join(",")
})
