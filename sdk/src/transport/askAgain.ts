import type * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import * as HttpClientResponse from "@effect/platform/HttpClientResponse"
import { Context, Duration, Effect } from "effect"
import { takesKey } from "../api/operations.ts"
import { type CallError, noAnswerCode } from "../errors.ts"

/** The idempotency key for the calls inside, so that a later identical call is the same request. Undefined means a new key for each call. */
export class CallKey extends Context.Reference<CallKey>()("@maxcloud/sdk/CallKey", {
  defaultValue: (): string | undefined => undefined
}) {}

const field = "idempotency-key"

/** Adds a key, if the operation accepts one. `request.url` is still the contract's path. */
export const withKey = (
  request: HttpClientRequest.HttpClientRequest
): Effect.Effect<HttpClientRequest.HttpClientRequest> =>
  takesKey(request.method, request.url)
    ? Effect.map(CallKey, (key) => ({
        ...request,
        headers: { ...request.headers, [field]: key ?? crypto.randomUUID() }
      }))
    : Effect.succeed(request)

/** Whether the request may have been carried out and only its response was lost. */
const isLost = (error: CallError) =>
  error._tag === "NotReachable" &&
  error.code !== "ECONNREFUSED" &&
  error.code !== "ERR_INVALID_URL" &&
  error.code !== noAnswerCode

const lostTries = 3
/** One second apart, these retries take longer than a dead server's lease on a request. */
const busyTries = 45

/** Retries if the response was lost or the request is still in progress. Only for requests with a key, which are carried out only once. */
export const askAgain = <R>(
  request: HttpClientRequest.HttpClientRequest,
  answered: Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R>,
  errorOf: (error: HttpClientError.HttpClientError) => CallError
): Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError, R> => {
  if (request.headers[field] === undefined) return answered
  // A truncated response counts as lost too. The body can be read only once, so the decoder gets a copy.
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
