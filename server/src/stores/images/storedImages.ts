import { Schema } from "effect"

/** A deployment's resolved images (`deployments.images`): an object, keyed by the names in the spec. */
const Stored = Schema.Record({
  key: Schema.String,
  value: Schema.Struct({
    reference: Schema.NonEmptyString,
    nonRoot: Schema.Boolean,
    port: Schema.optional(Schema.Int),
    needsCredentials: Schema.optional(Schema.Boolean)
  })
})

const Resolved = Schema.Struct({
  reference: Schema.NonEmptyString,
  nonRoot: Schema.Boolean,
  port: Schema.UndefinedOr(Schema.Int),
  needsCredentials: Schema.optionalWith(Schema.Boolean, { exact: true })
})

/** `deployments.images` as the map `TenantContext.images`. */
export const StoredImages = Schema.transform(
  Stored,
  Schema.ReadonlyMapFromSelf({ key: Schema.String, value: Schema.typeSchema(Resolved) }),
  {
    strict: true,
    decode: (stored) =>
      new Map(
        Object.entries(stored).map(([name, { needsCredentials, nonRoot, port, reference }]) => [
          name,
          { reference, nonRoot, port, ...(needsCredentials === true ? { needsCredentials } : {}) }
        ])
      ),
    encode: (images) =>
      Object.fromEntries(
        [...images].map(([name, { needsCredentials, nonRoot, port, reference }]) => [
          name,
          {
            reference,
            nonRoot,
            ...(port === undefined ? {} : { port }),
            ...(needsCredentials === true ? { needsCredentials } : {})
          }
        ])
      )
  }
)
