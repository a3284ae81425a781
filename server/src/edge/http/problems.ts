import { randomUUID } from "node:crypto"
import { HttpServerResponse } from "@effect/platform"
import { ApiError, InternalError, InvalidRequest, NotFound } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { problemContentType } from "../../base/pages/refusalContent.ts"
import { refusalHeaders } from "../../tenancy/limits/headers.ts"

export const encodeError = Schema.encodeSync(ApiError)
export const isApiError = Schema.is(ApiError)

const headersOf = (problem: ApiError): Readonly<Record<string, string>> => ({
  ...(problem._tag === "MethodNotAllowed" ? { allow: problem.allow.join(", ") } : undefined),
  ...(problem._tag === "TooManyRequests" ? refusalHeaders(problem) : undefined),
  ...(problem._tag === "Unavailable" ? { "retry-after": String(Math.ceil(problem.retryAfterSeconds)) } : undefined)
})

/** Answers with a problem document (RFC 9457). */
export const problemResponse = (problem: ApiError): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(encodeError(problem), {
    status: problem.status,
    contentType: problemContentType,
    headers: headersOf(problem)
  })

/** The same for Node's own response, if a request doesn't get as far as the router. */
export const rawProblem = (problem: ApiError) => ({
  status: problem.status,
  headers: {
    "content-type": problemContentType,
    "x-content-type-options": "nosniff",
    "x-request-id": randomUUID(),
    ...headersOf(problem)
  },
  body: JSON.stringify(encodeError(problem))
})

/** The answer to the server's own fault: not its cause, but where to find it in the log. */
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
