import * as FetchHttpClient from "@effect/platform/FetchHttpClient"
import * as HttpApiClient from "@effect/platform/HttpApiClient"
import type * as HttpApiError from "@effect/platform/HttpApiError"
import * as HttpClient from "@effect/platform/HttpClient"
import * as HttpClientError from "@effect/platform/HttpClientError"
import type * as HttpClientRequest from "@effect/platform/HttpClientRequest"
import { Context, Effect, ParseResult, type Scope, Stream } from "effect"
import { MaxCloudApi } from "../api/api.ts"
import { type ApiError, InvalidRequest } from "../api/errors.ts"
import { type CallError, NotReachable, UnexpectedAnswer } from "../errors.ts"
import { askAgain, withKey } from "./askAgain.ts"
import { failureIn } from "./failureIn.ts"
import { problemIn } from "./problemIn.ts"
import { type ClientHost, type ConnectionOptions, type Credential, makeTransport, type Transport } from "./transport.ts"

const limitedTries = 3
const longestWaitSeconds = 10

/** Waits as a rate limit asks for, where that is not long, and tries again. */
const throughLimits = <A, R>(
  effect: Effect.Effect<A, CallError, R>,
  tries = limitedTries
): Effect.Effect<A, CallError, R> =>
  Effect.catchTag(effect, "TooManyRequests", (error) =>
    tries === 0 || error.retryAfterSeconds > longestWaitSeconds
      ? Effect.fail(error)
      : Effect.delay(throughLimits(effect, tries - 1), `${Math.max(0, error.retryAfterSeconds)} seconds`)
  )

/** An answer that is a failure: as the cause of the HTTP client's own error, since its decoders know no problem of a newer server. */
class Answered {
  readonly error: CallError
  constructor(error: CallError) {
    this.error = error
  }
}

/** Of a request or its answer; of an answer that broke off it is why. */
const errorOf =
  ({ notReachable, unsent }: Transport) =>
  ({ _tag, cause }: HttpClientError.HttpClientError): CallError =>
    _tag === "ResponseError" ? notReachable(cause) : cause instanceof Answered ? cause.error : unsent(cause)

/** Has a call got as far as being sent? Until then what is wrong with it is its caller's mistake. */
class Sending extends Context.Reference<Sending>()("@maxcloud/sdk/Sending", {
  defaultValue: () => ({ sent: false })
}) {}

/** The client derived from the contract, which sends this credential with each request. */
const clientWith = (transport: Transport, credential: Credential) => {
  const failed = (request: HttpClientRequest.HttpClientRequest) => (cause: unknown) =>
    new HttpClientError.RequestError({ request, reason: "Transport", cause })
  return Effect.map(HttpClient.HttpClient, (client) =>
    client.pipe(
      HttpClient.mapRequestEffect((request) =>
        // Not yet its whole address: the client derived from the contract writes paths, and the server's URL comes before them later.
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
      // The last step before it is sent: its address is whole here, and so are its headers.
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

/** The SDK's error for one of the derived client. */
const toCallError =
  ({ apiUrl, notReachable, unsent }: Transport, { sent }: Sending["Type"]) =>
  (error: DerivedError): Effect.Effect<never, CallError> => {
    switch (error._tag) {
      case "RequestError":
        return Effect.fail(error.cause instanceof Answered ? error.cause.error : unsent(error.cause))
      case "ResponseError":
        return Effect.matchEffect(error.response.text, {
          // The answer broke off.
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

/** Fails if there is no answer in time. */
const inTime = <A, R>(
  { noAnswer }: Transport,
  effect: Effect.Effect<A, CallError, R>,
  seconds: number
): Effect.Effect<A, CallError, R> =>
  Effect.timeoutFail(effect, { duration: `${seconds} seconds`, onTimeout: () => noAnswer(seconds) })

/** A request whose answer is read as it comes. It is aborted when the scope closes. Any status but 2xx is a failure. */
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
          // The answer to a body comes after its end. A timer, since a timeout of Effect doesn't end what can't be interrupted.
          const timer = init.body === undefined ? setTimeout(giveUp, timeoutSeconds * 1000) : undefined
          try {
            // What a redirect leads to is not who was given the credential, or the body.
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
    // A body that is a stream is read only once.
    return init.body === undefined ? throughLimits(once) : once
  }
type Open = ReturnType<typeof openOf>

const refusedWithout = ({ status, url }: Response) =>
  new UnexpectedAnswer({ url, status, detail: "no WebSocket can be opened: does a proxy on the way refuse it?" })

/** A WebSocket, whose handshake has the credential in its headers, never in its URL. It closes with the scope. */
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
          // Why it was refused is in no event: an ordinary request is told.
          opened.addEventListener(
            "error",
            () => resume(Effect.flatMap(Effect.scoped(open(path, {})), refusedWithout)),
            { once: true }
          )
        }),
        (opened) => Effect.sync(() => opened.close())
      )
    })

/** The lines of an answer, as they come: an export. A connection that breaks is a failure, never the end. */
const linesOf =
  ({ notReachable }: Transport, open: Open) =>
  (path: string): Stream.Stream<string, CallError> =>
    Stream.unwrapScoped(
      Effect.gen(function* () {
        const { body, headers, status, url } = yield* open(path, { headers: { accept: "application/x-ndjson" } })
        if (body === null || !(headers.get("content-type") ?? "").startsWith("application/x-ndjson")) {
          return yield* new UnexpectedAnswer({ url, status, detail: "no lines of JSON" })
        }
        return Stream.fromReadableStream<Uint8Array, CallError>({ evaluate: () => body, onError: notReachable }).pipe(
          Stream.decodeText(),
          Stream.splitLines
        )
      })
    )

/** The ways to the server: the client derived from the contract, and open streams for what it cannot say. */
export const makeConnection = (options: ConnectionOptions, host: ClientHost) => {
  const transport = makeTransport(options, host)
  const { apiUrl, asOwner, authorization, notReachable } = transport
  const open = openOf(transport)
  return {
    apiUrl,
    api: clientWith(transport, authorization),
    /** For what is asked without a credential: a stale one must not be in the way of getting another. */
    anonymousApi: clientWith(transport, asOwner),
    /** Gives a call of the derived client the errors of the SDK, and an end. It waits by itself for a rate limit that is over soon. */
    call: <A>(
      effect: Effect.Effect<A, DerivedError>,
      seconds = transport.timeoutSeconds
    ): Effect.Effect<A, CallError> =>
      Effect.suspend(() => {
        const sending = { sent: false }
        const typed = Effect.catchAll(Effect.provideService(effect, Sending, sending), (error) =>
          toCallError(transport, sending)(error)
        )
        return throughLimits(inTime(transport, typed, seconds))
      }),
    open,
    socket: socketOf(transport, open),
    lines: linesOf(transport, open),
    notReachable
  }
}
export type Connection = ReturnType<typeof makeConnection>
