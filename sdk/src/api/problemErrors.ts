import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

export { inBody, inParameters, pathOfPointer, pointerOf, specIssueOf } from "../pointers.ts"

/**
 * One invalid part of a request: `pointer` (RFC 6901) for a part of the body, or `parameter` with `in` for the query, the path or a header.
 * With neither, the request as a whole is invalid.
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
