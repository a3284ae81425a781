import { HttpServerRequest, HttpServerResponse } from "@effect/platform"
import {
  ApiError,
  InternalError,
  InvalidRequest,
  NotFound,
  type ProblemDocument,
  type ProblemError,
  pathOfPointer
} from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { problemContentType } from "../../base/pages/refusalContent.ts"
import { RequestId, requestIdOf } from "../../base/words/RequestId.ts"
import { refusalHeaders } from "../../tenancy/limits/headers.ts"
import { pathOf, routeOf } from "./routeTable.ts"

const encodeError = Schema.encodeSync(ApiError)
export const isApiError = Schema.is(ApiError)

/** The parts of a request that its problem document mentions. */
export interface Asked {
  readonly requestId: string
  /** The request's path without its query, which may contain a token. Undefined: the request was unreadable. */
  readonly instance: string | undefined
  readonly hasCredential: boolean
  /** Does the operation take JSON? Otherwise there is no body to point into. */
  readonly takesJson: boolean
}

const longestInstance = 1_000

export const askedOf = (
  { headers, method, url }: Pick<HttpServerRequest.HttpServerRequest, "headers" | "method" | "url">,
  requestId: string
): Asked => ({
  requestId,
  instance: pathOf(url).slice(0, longestInstance),
  hasCredential: headers.authorization !== undefined,
  takesJson: routeOf(url)?.withJson.has(method) === true
})

/** The same for the current request. */
export const currentAsked = Effect.zipWith(HttpServerRequest.HttpServerRequest, RequestId, askedOf)

/** Builds the problem document (RFC 9457) of an error. */
export const documentOf = (problem: ApiError, { instance, requestId, takesJson }: Asked): ProblemDocument => {
  const { errors, ...document } = encodeError(problem)
  const places = takesJson ? errors : errors?.map(({ pointer: _, ...rest }) => rest)
  return { ...document, instance, requestId, ...(places === undefined ? {} : { errors: places }) }
}

/** RFC 6750, 3: only callers that sent a credential learn why it was refused. */
const challenge = ({ hasCredential }: Asked) =>
  `Bearer realm="max-cloud"${hasCredential ? ', error="invalid_token"' : ""}`

const headersOf = (problem: ApiError, asked: Asked): Readonly<Record<string, string>> => ({
  "cache-control": "no-store",
  ...(problem._tag === "Unauthenticated" ? { "www-authenticate": challenge(asked) } : undefined),
  ...(problem._tag === "MethodNotAllowed" ? { allow: problem.allow.join(", ") } : undefined),
  ...(problem._tag === "TooManyRequests" ? refusalHeaders(problem) : undefined),
  ...(problem._tag === "Unavailable" || problem._tag === "RequestInProgress"
    ? { "retry-after": String(problem.retryAfterSeconds) }
    : undefined)
})

/** Answers with a problem document. */
export const problemResponse = (problem: ApiError, asked: Asked): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.unsafeJson(documentOf(problem, asked), {
    status: problem.status,
    contentType: problemContentType,
    headers: headersOf(problem, asked)
  })

interface RawRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
}

const rawAsked = (request: RawRequest | undefined): Asked => {
  const given = request?.headers["x-request-id"]
  return {
    requestId: requestIdOf(typeof given === "string" ? given : undefined),
    instance: request === undefined ? undefined : pathOf(request.url ?? "/").slice(0, longestInstance),
    hasCredential: request?.headers.authorization !== undefined,
    takesJson: false
  }
}

/** The same for Node's own response, for requests that don't reach the router. Undefined: the request was unreadable. */
export const rawProblem = (problem: ApiError, request: RawRequest | undefined) => {
  const asked = rawAsked(request)
  return {
    status: problem.status,
    headers: {
      "content-type": problemContentType,
      "x-content-type-options": "nosniff",
      "x-request-id": asked.requestId,
      ...headersOf(problem, asked)
    },
    body: JSON.stringify(documentOf(problem, asked))
  }
}

/** The answer to an internal error: not its cause, but where to find it in the log. */
export const internalError = (requestId: string) =>
  new InternalError({
    detail: `Internal error. The server's log has the cause under request ${requestId}.`,
    requestId
  })

export const invalidRequest = (detail: string, errors: ReadonlyArray<ProblemError> = []) =>
  new InvalidRequest({ detail, errors: [...errors] })

const placeOf = ({ parameter, pointer = "" }: ProblemError) => parameter ?? pathOfPointer(pointer).join(".")

/** How many mistakes a refusal names. */
export const mostErrors = 50

/** One refusal for all mistakes in a request. */
export const refusalOf = (all: ReadonlyArray<ProblemError>): InvalidRequest => {
  const errors = all.slice(0, mostErrors)
  const [first] = errors
  if (first === undefined) return invalidRequest("The request doesn't match this operation.")
  const place = placeOf(first)
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ""
  return invalidRequest(`${place === "" ? "" : `${place}: `}${first.detail}${more}`, errors)
}

export const nothingAt = (path: string) => {
  const name = path.slice(0, 200)
  return new NotFound({
    resource: "page",
    resourceName: name,
    detail: `Nothing found at ${name}. See /api/docs for the API's paths.`
  })
}
