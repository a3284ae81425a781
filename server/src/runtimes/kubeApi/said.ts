import { Schema } from "effect"

/** Far longer than any cluster message that a person reads. */
const maxLength = 4_096

/**
 * Truncates a message of the cluster. It may quote a tenant's text (an image registry's answer, a refused value), and the
 * patterns that interpret it may scan on from each of its words.
 */
export const said = Schema.optionalWith(
  Schema.transform(Schema.String, Schema.String, {
    strict: true,
    decode: (each) => each.slice(0, maxLength),
    encode: (value) => value
  }),
  { default: () => "", nullable: true }
)
