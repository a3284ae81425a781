import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

export { inBody, inParameters, pathOfPointer, pointerOf, specIssueOf } from "../pointers.ts"

/**
 * One place of a request that is invalid: in the body by `pointer` (RFC 6901), else by the name of the `parameter`, and `in` says whether it
 * stands in the query, the path or a header. Neither of them: the request as a whole.
 */
export const ProblemError = Schema.Struct({
  pointer: Schema.optional(Schema.String),
  parameter: Schema.optional(Schema.String),
  in: Schema.optional(openEnum("query", "path", "header")),
  /** The kind of mistake: `missing`, `unknown_field`, `wrong_type`, `invalid_value`, `conflict`. */
  code: Schema.String,
  detail: Schema.String
}).annotations({ identifier: "ProblemError" })
export type ProblemError = typeof ProblemError.Type
