import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Context, Duration, Effect } from "effect"
import { takesKey } from "../api/operations.ts"
import { type CallError, noAnswerCode } from "../errors.ts"

/** The key of the calls inside, so that the same call later is the same request. Undefined: a new one for each call. */
export class CallKey extends Context.Reference<CallKey>()("@maxcloud/sdk/CallKey", {
  defaultValue: (): string | undefined => undefined
}) {}

const field = "idempotency-key"

/** With a key, if its operation takes one. `request.url` is still the path of the contract. */
export const withKey = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientRequest.HttpClientRequest> =>
  takesKey(request.method, request.url)
    ? Effect.map(CallKey, (key) => ({
        ...request,
        headers: { ...request.headers, [field]: key ?? crypto.randomUUID() }
      }))
    : Effect.succeed(request)

/** Was a request perhaps carried out, and its answer lost on the way? */
const isLost = (error: CallError) =>
  error._tag === "NotReachable" &&
  error.code !== "ECONNREFUSED" &&
  error.code !== "ERR_INVALID_URL" &&
  error.code !== noAnswerCode

const lostTries = 3
/** With a second between them it's longer than a server that has died holds a request. */
const busyTries = 45

/** Asks again if the answer was lost, or if the request is still carried out, as long as the request has a key: it's done only once. */
export const askAgain = <R>(
  request: HttpClientRequest.HttpClientRequest,
  answered: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R>,
  errorOf: (error: HttpClientError.HttpClientError) => CallError
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R> => {
  if (request.headers[field] === undefined) return answered
  // An answer whose end is missing is lost too. A body is read once, so whoever decodes it gets a copy.
  const whole = Effect.flatMap(answered, (response) =>
    Effect.map(response.text, (text) =>
      HttpClientResponse.fromWeb(
        request,
        new Response(text === "" ? null : text, { status: response.status, headers: response.headers })
      )
    )
  )
  const tried = (
    lost: number,
    busy: number
  ): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R> =>
    Effect.catchAll(whole, (failure) => {
      const error = errorOf(failure)
      if (error._tag === "RequestInProgress" && busy < busyTries) {
        const wait = Duration.seconds(Math.min(5, Math.max(0.1, error.retryAfterSeconds)))
        return Effect.delay(
          Effect.suspend(() => tried(lost, busy + 1)),
          wait
        )
      }
      if (!isLost(error) || lost >= lostTries) return Effect.fail(failure)
      return Effect.delay(
        Effect.suspend(() => tried(lost + 1, busy)),
        Duration.millis(200 * 2 ** lost)
      )
    })
  return tried(0, 0)
}
