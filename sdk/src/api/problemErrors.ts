import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/**
 * A problem of one part of a request, or of the app in a plan or a deployment: `pointer` (RFC 6901) for a part of the body, such as `/spec/services/0/port`, or `parameter` with `in` for the query, the path or a header.
 * With neither, it concerns the request as a whole.
 */
export const ProblemError = Schema.Struct({
  pointer: Schema.optional(Schema.String),
  parameter: Schema.optional(Schema.String),
  in: Schema.optional(openEnum("query", "path", "header")),
  /** The kind of mistake: `missing`, `unknown_field`, `wrong_type`, `invalid_value`, `conflict`, `policy`. */
  code: Schema.String,
  detail: Schema.String
}).annotations({ identifier: "ProblemError" })
export interface ProblemError extends Schema.Schema.Type<typeof ProblemError> {}
