import { HttpServerError, HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { ApiError } from "@maxcloud/sdk/api"
import { Cause, Effect, Option, Schema } from "effect"
import { databaseAway, isPassingFault } from "../../../base/database/sqlErrors.ts"
import {
  type Asked,
  askedOf,
  internalError,
  invalidRequest,
  isApiError,
  nothingAt,
  problemResponse
} from "../../http/problems.ts"
import { pathOf } from "../../http/routeTable.ts"

/**
 * The only place that turns failures into answers: typed errors become problem documents, and unexpected ones an `InternalError`
 * with its cause only in the log.
 */
export const translate = <E, R>(
  requestId: string,
  handled: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, never, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
    const asked = askedOf(request, requestId)
    return handled.pipe(
      Effect.map((response) => completed(response, asked)),
      Effect.catchAllCause((cause) => {
        if (Cause.isInterruptedOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
        return Effect.flatMap(problemOf(Cause.squash(cause)), (problem) =>
          problem === undefined
            ? Effect.as(
                Effect.logError(`${request.method} ${pathOf(request.url)} failed`, cause),
                problemResponse(internalError(requestId), asked)
              )
            : Effect.succeed(problemResponse(problem, asked))
        )
      })
    )
  })

const problemOf = (error: unknown): Effect.Effect<ApiError | undefined> => {
  if (isApiError(error)) return Effect.succeed(error)
  // The router has its own limits, such as the length of a path segment.
  if (error instanceof HttpServerError.RouteNotFound) return Effect.succeed(nothingAt(pathOf(error.request.url)))
  if (error instanceof HttpServerError.RequestError) return Effect.succeed(invalidRequest("The request can't be read."))
  return isPassingFault(error) ? databaseAway(error) : Effect.succeed(undefined)
}

const decodeError = Schema.decodeUnknownOption(Schema.parseJson(ApiError))

/** HttpApi encodes a handler's typed errors itself, without the request and the errors' headers. Add them here. */
const completed = (
  response: HttpServerResponse.HttpServerResponse,
  asked: Asked
): HttpServerResponse.HttpServerResponse => {
  if (response.status < 400 || response.body._tag !== "Uint8Array") return response
  return Option.match(decodeError(new TextDecoder().decode(response.body.body)), {
    onNone: () => response,
    onSome: (error) => (error.instance === undefined ? problemResponse(error, asked) : response)
  })
}
