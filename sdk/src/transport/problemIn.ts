import { Either, Schema } from "effect"
import { ApiError } from "../api/errors.ts"
import { UnexpectedAnswer, UnknownProblem } from "../errors.ts"

const decodeProblem = Schema.decodeUnknownEither(Schema.parseJson(ApiError))

/** The fields of every problem document (RFC 9457), including those of newer servers. */
const AnyProblem = Schema.Struct({
  type: Schema.String.pipe(Schema.maxLength(500)),
  title: Schema.String.pipe(Schema.maxLength(500)),
  status: Schema.Int.pipe(Schema.between(400, 599)),
  detail: Schema.optionalWith(Schema.String, { default: () => "" })
})
const decodeAnyProblem = Schema.decodeUnknownEither(Schema.parseJson(AnyProblem))

/** The error for a response: its problem document, known or not, else `UnexpectedAnswer`. */
export const problemIn = (url: string, status: number, body: string): ApiError | UnknownProblem | UnexpectedAnswer =>
  decodeProblem(body).pipe(
    Either.orElse(() => Either.map(decodeAnyProblem(body), (problem) => new UnknownProblem(problem))),
    Either.getOrElse(() => {
      const begin = body.replace(/\s+/g, " ").trim().slice(0, 200)
      return new UnexpectedAnswer({ url, status, detail: begin === "" ? "no content" : begin })
    })
  )
