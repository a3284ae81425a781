import { Schema } from "effect"

/** Far more than anything that a cluster says and a person reads. */
const maxLength = 4_096

/**
 * A message of the cluster, cut. What it quotes may be a tenant's (the answer of an image's registry, a value that was refused), and
 * patterns look for what it means, some from each of its words on.
 */
export const said = Schema.optionalWith(
  Schema.transform(Schema.String, Schema.String, {
    strict: true,
    decode: (each) => each.slice(0, maxLength),
    encode: (value) => value
  }),
  { default: () => "", nullable: true }
)
