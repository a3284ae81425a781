import { Either, Schema } from "effect"
import { parse } from "yaml"

const decode = Schema.decodeUnknownEither(
  Schema.Struct({ packages: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))) })
)

/** The package patterns in a pnpm-workspace.yaml; empty if it can't be parsed. */
export const pnpmPatterns = (text: string): ReadonlyArray<string> => {
  const read = Either.try((): unknown => parse(text))
  const decoded = Either.isRight(read) ? decode(read.right) : read
  return Either.isRight(decoded) ? (decoded.right.packages ?? []) : []
}
