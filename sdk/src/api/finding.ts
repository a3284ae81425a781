import { SpecIssue } from "@maxcloud/config-schema"
import { Schema } from "effect"

/** An error or warning about an app in a response, always with its code. */
export const Finding = Schema.transform(
  Schema.Struct({
    ...SpecIssue.fields,
    code: Schema.optionalWith(Schema.String, { default: () => "invalid_value" })
  }).annotations({ identifier: "SpecIssue" }),
  Schema.typeSchema(SpecIssue),
  { strict: true, decode: (issue) => issue, encode: ({ code = "invalid_value", ...issue }) => ({ ...issue, code }) }
)
