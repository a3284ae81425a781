import { Schema } from "effect"

/** How a deployment keeps what its images were resolved to (`deployments.images`): an object, by how the spec writes them. */
const Stored = Schema.Record({
  key: Schema.String,
  value: Schema.Struct({
    reference: Schema.NonEmptyString,
    nonRoot: Schema.Boolean,
    port: Schema.optional(Schema.Int)
  })
})

const Resolved = Schema.Struct({
  reference: Schema.NonEmptyString,
  nonRoot: Schema.Boolean,
  port: Schema.UndefinedOr(Schema.Int)
})

/** `deployments.images` as the map that `TenantContext.images` is. */
export const StoredImages = Schema.transform(
  Stored,
  Schema.ReadonlyMapFromSelf({ key: Schema.String, value: Schema.typeSchema(Resolved) }),
  {
    strict: true,
    decode: (stored) =>
      new Map(
        Object.entries(stored).map(([name, { nonRoot, port, reference }]) => [name, { reference, nonRoot, port }])
      ),
    encode: (images) =>
      Object.fromEntries(
        [...images].map(([name, { nonRoot, port, reference }]) => [
          name,
          { reference, nonRoot, ...(port === undefined ? {} : { port }) }
        ])
      )
  }
)
