import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import type * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { Context, Effect, Option, ParseResult, type Scope, Stream } from "effect"
import { MaxCloudApi } from "../api/api.ts"
import { type ApiError, InvalidRequest } from "../api/errors.ts"
import { type CallError, NotReachable, UnexpectedAnswer } from "../errors.ts"
import { askAgain, withKey } from "./askAgain.ts"
import { failureIn } from "./failureIn.ts"
import { problemIn } from "./problemIn.ts"
import { type ClientHost, type ConnectionOptions, type Credential, makeTransport, type Transport } from "./transport.ts"

const limitedTries = 3
const longestWaitSeconds = 10

/** Waits as a rate limit demands, unless that takes too long, and retries. */
const throughLimits = <A, R>(
  effect: Effect.Effect<A, CallError, R>,
  tries = limitedTries
): Effect.Effect<A, CallError, R> =>
  Effect.catchTag(effect, "TooManyRequests", (error) =>
    tries === 0 || error.retryAfterSeconds > longestWaitSeconds
      ? Effect.fail(error)
      : Effect.delay(throughLimits(effect, tries - 1), `${Math.max(0, error.retryAfterSeconds)} seconds`)
  )

/** A failed response, as the cause of the HTTP client's own error, because its decoders don't know a newer server's problems. */
class Answered {
  readonly error: CallError
  constructor(error: CallError) {
    this.error = error
  }
}

/** Whether the error concerns the request or its response; the cause of a truncated response. */
const errorOf =
  ({ notReachable, unsent }: Transport) =>
  ({ _tag, cause }: HttpClientError.HttpClientError): CallError =>
    _tag === "ResponseError" ? notReachable(cause) : cause instanceof Answered ? cause.error : unsent(cause)

/** Whether a request was sent. Before that, any error is the caller's mistake. */
class Sending extends Context.Reference<Sending>()("@maxcloud/sdk/Sending", {
  defaultValue: () => ({ sent: false })
}) {}

/** The client derived from the contract. It sends this credential with each request. */
const clientWith = (transport: Transport, credential: Credential) => {
  const failed = (request: HttpClientRequest.HttpClientRequest) => (cause: unknown) =>
    new HttpClientError.RequestError({ request, reason: "Transport", cause })
  return Effect.map(HttpClient.HttpClient, (client) =>
    client.pipe(
      HttpClient.mapRequestEffect((request) =>
        // Not the complete URL yet: the derived client writes paths, and the server's URL is prepended later.
        Effect.matchEffect(transport.pathOf(request.url), {
          onFailure: (error) => Effect.fail(failed(request)(new Answered(error))),
          onSuccess: (url) =>
            Effect.zipWith(withKey(request), Effect.mapError(credential, failed(request)), (keyed, more) => ({
              ...keyed,
              url,
              headers: { ...keyed.headers, ...more }
            }))
        })
      ),
      // The last step before sending: URL and headers are complete here.
      HttpClient.transform((effect, request) =>
        transport
          .guard(request.method, request.url, request.headers)
          .pipe(Effect.mapError(failed(request)), Effect.zipRight(effect))
      ),
      HttpClient.transform((effect, request) =>
        Effect.flatMap(effect, (response) => {
          transport.noteDeprecation(request.method, request.url, (name) => response.headers[name])
          return response.status < 400
            ? Effect.succeed(response)
            : Effect.flatMap(response.text, (body) =>
                Effect.mapError(
                  failureIn(transport, { method: request.method, url: request.url, status: response.status, body }),
                  (error) => failed(request)(new Answered(error))
                )
              )
        })
      ),
      HttpClient.transform((effect, request) => askAgain(request, effect, errorOf(transport))),
      HttpClient.transform((effect) =>
        Effect.zipRight(
          Effect.map(Sending, (call) => {
            call.sent = true
          }),
          effect
        )
      ),
      HttpClient.transform((effect) =>
        Effect.provideService(effect, FetchHttpClient.Fetch, transport.fetch).pipe(
          Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
          Effect.withTracerEnabled(false)
        )
      )
    )
  ).pipe(
    Effect.provide(transport.httpClient ?? FetchHttpClient.layer),
    Effect.flatMap((httpClient) => HttpApiClient.makeWith(MaxCloudApi, { httpClient, baseUrl: transport.apiUrl }))
  )
}

type DerivedError =
  | ApiError
  | HttpClientError.HttpClientError
  | ParseResult.ParseError
  | HttpApiError.HttpApiDecodeError

/** The SDK's error for an error of the derived client. */
const toCallError =
  ({ apiUrl, notReachable, unsent }: Transport, { sent }: Sending["Type"]) =>
  (error: DerivedError): Effect.Effect<never, CallError> => {
    switch (error._tag) {
      case "RequestError":
        return Effect.fail(error.cause instanceof Answered ? error.cause.error : unsent(error.cause))
      case "ResponseError":
        return Effect.matchEffect(error.response.text, {
          // The response was truncated.
          onFailure: ({ cause }) => Effect.fail(notReachable(cause)),
          onSuccess: (body) => Effect.fail(problemIn(error.request.url, error.response.status, body))
        })
      case "ParseError": {
        const [first] = ParseResult.ArrayFormatter.formatErrorSync(error)
        const detail = first === undefined ? error.message : [...first.path, first.message].join(": ")
        return Effect.fail(
          sent ? new UnexpectedAnswer({ url: apiUrl, status: 0, detail }) : new InvalidRequest({ detail, errors: [] })
        )
      }
      case "HttpApiDecodeError":
        return Effect.fail(new InvalidRequest({ detail: error.message, errors: [] }))
      default:
        return Effect.fail(error)
    }
  }

/** Fails if there is no response in time. */
const inTime = <A, R>(
  { noAnswer }: Transport,
  effect: Effect.Effect<A, CallError, R>,
  seconds: number
): Effect.Effect<A, CallError, R> =>
  Effect.timeoutFail(effect, { duration: `${seconds} seconds`, onTimeout: () => noAnswer(seconds) })

/** A request with a streamed response, aborted when the scope closes. Any status but 2xx is a failure. */
const openOf =
  (transport: Transport) =>
  (path: string, init: RequestInit & { readonly duplex?: "half" }): Effect.Effect<Response, CallError, Scope.Scope> => {
    const { apiUrl, authorization, fetch, guard, noAnswer, notReachable, pathOf, timeoutSeconds, unsent } = transport
    const once: Effect.Effect<Response, CallError, Scope.Scope> = Effect.gen(function* () {
      const url = `${apiUrl}${yield* pathOf(path)}`
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const own = yield* Effect.mapError(authorization, unsent)
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...own }
      yield* guard(init.method ?? "GET", url, headers)
      const giveUp = () => controller.abort(noAnswer(timeoutSeconds))
      const response = yield* Effect.tryPromise({
        try: async () => {
          // The response comes after the end of the body. Use a timer, because Effect's timeout can't stop an uninterruptible effect.
          const timer = init.body === undefined ? setTimeout(giveUp, timeoutSeconds * 1000) : undefined
          try {
            // Don't follow redirects: the credential and the body are only for this server.
            return await fetch(url, { ...init, redirect: "manual", headers, signal: controller.signal })
          } finally {
            clearTimeout(timer)
          }
        },
        catch: (cause) => (cause instanceof NotReachable ? cause : notReachable(cause))
      })
      transport.noteDeprecation(init.method ?? "GET", url, (name) => response.headers.get(name))
      if (response.ok) return response
      const body = yield* Effect.tryPromise({ try: () => response.text(), catch: notReachable })
      return yield* failureIn(transport, { method: init.method ?? "GET", url, status: response.status, body })
    })
    // A streamed body can be read only once.
    return init.body === undefined ? throughLimits(once) : once
  }
type Open = ReturnType<typeof openOf>

const refusedWithout = ({ status, url }: Response) =>
  new UnexpectedAnswer({
    url,
    status,
    detail: "Couldn't open a WebSocket: check whether a proxy in between refuses it"
  })

/** A WebSocket that closes with the scope. Its handshake has the credential in its headers, never in the URL. */
const socketOf =
  ({ apiUrl, authorization, guard, pathOf, unsent }: Transport, open: Open) =>
  (path: string, protocol: string): Effect.Effect<WebSocket, CallError, Scope.Scope> =>
    Effect.gen(function* () {
      const url = `${apiUrl}${yield* pathOf(path)}`
      const headers = yield* Effect.mapError(authorization, unsent)
      yield* guard("GET", url, headers)
      return yield* Effect.acquireRelease(
        Effect.async<WebSocket, CallError>((resume) => {
          const opened = new WebSocket(url.replace(/^http/, "ws"), { protocols: [protocol], headers })
          opened.binaryType = "arraybuffer"
          opened.addEventListener("open", () => resume(Effect.succeed(opened)), { once: true })
          // WebSocket events don't contain the reason of a refusal, so get it with an ordinary request.
          opened.addEventListener(
            "error",
            () => resume(Effect.flatMap(Effect.scoped(open(path, {})), refusedWithout)),
            { once: true }
          )
        }),
        (opened) => Effect.sync(() => opened.close())
      )
    })

/** The lines of a streamed export. A broken connection is a failure, never the end. */
const linesOf =
  ({ notReachable }: Transport, open: Open) =>
  (path: string): Stream.Stream<string, CallError> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const { body, headers, status, url } = yield* open(path, { headers: { accept: "application/x-ndjson" } })
        if (body === null || !(headers.get("content-type") ?? "").startsWith("application/x-ndjson")) {
          return yield* new UnexpectedAnswer({ url, status, detail: "the response isn't JSON lines" })
        }
        return Stream.fromReadableStream<Uint8Array, CallError>({ evaluate: () => body, onError: notReachable }).pipe(
          Stream.decodeText(),
          Stream.splitLines
        )
      })
    )

/** Access to the server: the client derived from the contract, and streams, which it doesn't support. */
export const makeConnection = (options: ConnectionOptions, host: ClientHost) => {
  const transport = makeTransport(options, host)
  const { apiUrl, asOwner, authorization, notReachable } = transport
  const open = openOf(transport)
  return {
    apiUrl,
    api: clientWith(transport, authorization),
    /** For calls without a credential: a stale one must not prevent getting a new one. */
    anonymousApi: clientWith(transport, asOwner),
    /** Gives a call of the derived client the SDK's errors and a timeout. Waits if a rate limit is over soon. */
    call: <A>(
      effect: Effect.Effect<A, DerivedError>,
      seconds = transport.timeoutSeconds
    ): Effect.Effect<A, CallError> =>
      Effect.suspend(() => {
        const sending = { sent: false }
        const typed = Effect.catchAll(Effect.provideService(effect, Sending, sending), (error) =>
          toCallError(transport, sending)(error)
        )
        const shallow = Effect.catchSomeDefect(typed, (defect) =>
          // What reads and describes an answer is recursive.
          defect instanceof RangeError
            ? Option.some(new UnexpectedAnswer({ url: apiUrl, status: 0, detail: "it's nested too deeply" }))
            : Option.none()
        )
        return throughLimits(inTime(transport, shallow, seconds))
      }),
    open,
    socket: socketOf(transport, open),
    lines: linesOf(transport, open),
    notReachable
  }
}
export type Connection = ReturnType<typeof makeConnection>
