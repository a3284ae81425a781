import { Either, Schema } from "effect"
import { parse } from "yaml"

const decode = Schema.decodeUnknownEither(
  Schema.Struct({ packages: Schema.optional(Schema.NullOr(Schema.Array(Schema.String))) })
)

/** The patterns of packages in the text of a pnpm-workspace.yaml; none if it can't be read. */
export const pnpmPatterns = (text: string): ReadonlyArray<string> => {
  const read = Either.try((): unknown => parse(text))
  const decoded = Either.isRight(read) ? decode(read.right) : read
  return Either.isRight(decoded) ? (decoded.right.packages ?? []) : []
}
