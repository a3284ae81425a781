import { Schema } from "effect"

const orNull = (text: string | null) => (text === "" ? null : text)

/** A text of an answer that may be absent: null, never an empty text. */
export const TextOrNull = Schema.transform(Schema.NullOr(Schema.String), Schema.NullOr(Schema.String), {
  strict: true,
  decode: orNull,
  encode: orNull
})
