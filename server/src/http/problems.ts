import { HttpServerResponse } from "@effect/platform"
import { ApiError, InternalError, InvalidRequest } from "@maxcloud/sdk/api"
import { Data, Schema } from "effect"

/** A refusal that belongs to no operation of the API but to HTTP itself; answered as the same kind of document. */
export class HttpProblem extends Data.TaggedError("HttpProblem")<{
  readonly tag: "MethodNotAllowed" | "UnsupportedMediaType" | "RequestHeaderFieldsTooLarge" | "RequestTimeout"
  readonly status: 405 | 408 | 415 | 431
  readonly title: string
  readonly detail: string
  readonly headers?: Readonly<Record<string, string>>
}> {}

const slugOf = (tag: string) => tag.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()

/** The document of an `HttpProblem` (RFC 9457). */
export const documentOf = (problem: HttpProblem) => ({
  type: `https://maxcloud.dev/problems/${slugOf(problem.tag)}`,
  title: problem.title,
  status: problem.status,
  detail: problem.detail,
  _tag: problem.tag
})

export const encodeError = Schema.encodeSync(ApiError)
export const isApiError = Schema.is(ApiError)

/** Answers with a problem document (RFC 9457). */
export const problemResponse = (problem: ApiError | HttpProblem): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(problem._tag === "HttpProblem" ? documentOf(problem) : encodeError(problem), {
    status: problem.status,
    contentType: "application/problem+json",
    headers: {
      ...(problem._tag === "HttpProblem" ? problem.headers : undefined),
      ...(problem._tag === "Unavailable" ? { "retry-after": String(Math.ceil(problem.retryAfterSeconds)) } : undefined)
    }
  })

/** What the answer to a mistake of the server's own says: nothing of the cause, but where the log has it. */
export const internalError = (requestId: string) =>
  new InternalError({
    detail: `the server made a mistake; its log has the cause under request ${requestId}`,
    requestId
  })

export const invalidRequest = (
  detail: string,
  issues: ReadonlyArray<{ readonly path: ReadonlyArray<string | number>; readonly message: string }> = []
) => new InvalidRequest({ detail, issues: [...issues] })
