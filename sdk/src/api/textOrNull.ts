import { Schema } from "effect"

const orNull = (text: string | null) => (text === "" ? null : text)

/** An optional text in a response: null if absent, never an empty text. */
export const TextOrNull = Schema.transform(Schema.NullOr(Schema.String), Schema.NullOr(Schema.String), {
  strict: true,
  decode: orNull,
  encode: orNull
})
