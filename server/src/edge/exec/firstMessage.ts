import { specIssuesOf } from "@maxcloud/config-schema"
import { type InvalidRequest, inBody } from "@maxcloud/sdk/api"
import { Effect, Either, Schema, SchemaAST } from "effect"
import { invalidRequest, refusalOf } from "../http/problems.ts"

/** A client may have written a credential anywhere, so no refusal repeats a value. A rule's own sentence contains none. */
const holdsSecret = (ast: SchemaAST.AST) => !SchemaAST.isRefinement(ast)

const longestKey = 60

/** Reads a session's first message. Explains its mistakes as those of JSON bodies. */
export const firstMessageOf = <A, I>(
  schema: Schema.Schema<A, I>
): ((text: string | undefined) => Effect.Effect<A, InvalidRequest>) => {
  const decode = Schema.decodeUnknownEither(schema, { errors: "all", onExcessProperty: "error" })
  const parse = Schema.decodeUnknownEither(Schema.parseJson())
  return (text) => {
    if (text === undefined) return invalidRequest("The first message must be JSON as text, not binary.")
    const json = parse(text)
    if (Either.isLeft(json)) return invalidRequest("The first message isn't valid JSON.")
    return Either.match(decode(json.right), {
      onRight: (message) => Effect.succeed(message),
      onLeft: (error) => {
        const issues = specIssuesOf(error, holdsSecret).map((issue) => ({
          ...issue,
          path: issue.path.map((part) => (typeof part === "string" ? part.slice(0, longestKey) : part))
        }))
        const { detail, errors } = refusalOf(inBody(issues))
        return invalidRequest(`The first message is invalid: ${detail}`, errors)
      }
    })
  }
}
