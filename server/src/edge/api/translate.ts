import { HttpApiError, HttpServerError, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { type ApiError, type InvalidRequest, Unavailable } from "@maxcloud/sdk/api"
import { carriesSecret } from "@maxcloud/sdk/internal"
import { Cause, Effect, Option, Schema } from "effect"
import { databaseAway, isPassingFault } from "../../base/database/sqlErrors.ts"
import { internalError, invalidRequest, isApiError, nothingAt, problemResponse } from "../http/problems.ts"
import { pathOf } from "../http/routeTable.ts"

/**
 * The one place that turns failures into answers: typed errors as they are, HttpApi's own errors as our problem documents, and unexpected
 * ones as an `InternalError` whose cause is only in the log.
 */
export const translate = <E, R>(
  requestId: string,
  handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    handled.pipe(
      Effect.map((response) => rewrite(request, response)),
      Effect.catchAllCause((cause) => {
        if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        return Effect.flatMap(problemOf(Cause.squash(cause)), (problem) =>
          problem === undefined
            ? Effect.as(
                Effect.logError(`${request.method} ${pathOf(request.url)} failed`, cause),
                problemResponse(internalError(requestId))
              )
            : Effect.succeed(problemResponse(problem))
        )
      })
    )
  )

const problemOf = (error: unknown): Effect.Effect<ApiError | undefined> => {
  if (isApiError(error)) return Effect.succeed(error)
  // The router has limits of its own, such as the length of a part of a path.
  if (error instanceof HttpServerError.RouteNotFound) return Effect.succeed(nothingAt(pathOf(error.request.url)))
  if (error instanceof HttpServerError.RequestError) return Effect.succeed(invalidRequest("the request cannot be read"))
  return isPassingFault(error) ? databaseAway(error) : Effect.succeed(undefined)
}

const decodeDecodeError = Schema.decodeUnknownOption(Schema.parseJson(HttpApiError.HttpApiDecodeError))
const decodeUnavailable = Schema.decodeUnknownOption(Schema.parseJson(Unavailable))

/** HttpApi encodes its own decode errors before anyone can translate them, and knows no headers of errors: put right here. */
const rewrite = (
  request: HttpServerRequest.HttpServerRequest,
  response: HttpServerResponse.HttpServerResponse
): HttpServerResponse.HttpServerResponse => {
  if ((response.status !== 400 && response.status !== 503) || response.body._tag !== "Uint8Array") return response
  const text = new TextDecoder().decode(response.body.body)
  return response.status === 400
    ? Option.match(decodeDecodeError(text), {
        onNone: () => response,
        onSome: (error) => problemResponse(fromDecodeError(request.method, pathOf(request.url), error))
      })
    : Option.match(decodeUnavailable(text), { onNone: () => response, onSome: problemResponse })
}

const fromDecodeError = (method: string, path: string, { issues }: HttpApiError.HttpApiDecodeError): InvalidRequest => {
  const hasSecret = carriesSecret(method, path)
  // An optional field is the union of its type and `undefined`, and each of the two would tell its issue.
  const meant = issues.filter((issue) => !issue.message.startsWith("Expected undefined,"))
  const told = (meant.length > 0 ? meant : issues).slice(0, 50).map((issue) => {
    const place = issue.path.map((value) => (typeof value === "symbol" ? String(value) : value))
    const message = hasSecret ? withoutSecret(path, place, issue.message) : issue.message
    return { path: place, message: message.slice(0, 500) }
  })
  const [first] = told
  return invalidRequest(
    first === undefined
      ? "the request is not of the form that this operation takes"
      : `${first.path.length === 0 ? "" : `${first.path.join(".")}: `}${first.message}`,
    told
  )
}

const secretText = "<the secret: up to 65,536 characters of text>"

/** Drops quoted input from a message, because the input holds a secret. Names and fields aren't secret. */
const withoutSecret = (path: string, place: ReadonlyArray<string | number>, message: string) => {
  const quotes = /, actual /.test(message)
  if (/\/secrets\/import$/.test(path) && quotes)
    return `the body is {"secrets": [{"name": "<name>", "value": "${secretText}"}]}`
  if (/\/secrets\//.test(path) && (quotes || place.length === 0 || place[0] === "value"))
    return `the body is {"value": "${secretText}"}`
  return message.replace(/, actual .*$/s, "")
}
