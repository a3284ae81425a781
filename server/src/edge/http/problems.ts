import { HttpServerResponse } from "@effect/platform"
import { ApiError, InternalError, InvalidRequest, NotFound } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { refusalHeaders } from "../../tenancy/limits/headers.ts"

export const encodeError = Schema.encodeSync(ApiError)
export const isApiError = Schema.is(ApiError)

/** Answers with a problem document (RFC 9457). */
export const problemResponse = (problem: ApiError): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(encodeError(problem), {
    status: problem.status,
    contentType: "application/problem+json",
    headers: {
      ...(problem._tag === "MethodNotAllowed" ? { allow: problem.allow.join(", ") } : undefined),
      ...(problem._tag === "TooManyRequests" ? refusalHeaders(problem) : undefined),
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

export const nothingAt = (path: string) => {
  const name = path.slice(0, 200)
  return new NotFound({
    resource: "page",
    name,
    detail: `there is nothing at ${name}: /api/docs tells what there is`
  })
}
