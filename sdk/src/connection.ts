import {
  FetchHttpClient,
  HttpApiClient,
  type HttpApiError,
  HttpClient,
  HttpClientError,
  type HttpClientRequest
} from "@effect/platform"
import { Effect, Either, type Layer, ParseResult, Redacted, Schema, type Scope, Stream } from "effect"
import { MaxCloudApi } from "./api/api.ts"
import { ApiError, InvalidRequest, Unauthenticated } from "./api/errors.ts"
import { carriesSecret } from "./api/operations.ts"
import { type CallError, InsecureUrl, NotReachable, UnexpectedAnswer } from "./errors.ts"
import { ProxyFailed } from "./proxy/ProxyFailed.ts"

export interface ConnectionOptions {
  /** @default `MAXCLOUD_API_URL`, else http://127.0.0.1:8080 */
  readonly apiUrl?: string | undefined
  /**
   * Sent as a bearer token: an API key, a session's token, or an OIDC token that the organization trusts. A function is
   * asked before each request: for tokens that end soon. `""`: none. Never sent by `http:` to
   * another machine, unless `MAXCLOUD_INSECURE=1` is in the environment. Without one, a server in local mode that this user has
   * started gets the token that it wrote down for its user.
   * @default `MAXCLOUD_API_KEY`
   */
  readonly token?: string | Redacted.Redacted<string> | (() => Promise<string>) | undefined
  /** `proxiedFetch()` of `@maxcloud/sdk/proxy` follows `HTTPS_PROXY` and its like. @default the global one */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** Sends all calls except streams and uploads. @default `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
}

/** Browsers have no environment. */
const variable = (name: string): string | undefined => (typeof process === "undefined" ? undefined : process.env[name])

/** The default URL of a server: `MAXCLOUD_API_URL`, else port 8080 of this machine. */
export const defaultApiUrl = (): string => {
  const given = variable("MAXCLOUD_API_URL")
  return given === undefined || given === "" ? "http://127.0.0.1:8080" : given
}

/** A header field has only printable ASCII. What refuses another one quotes it, so it never gets that far. */
const bearer = (token: string): Effect.Effect<{ readonly authorization: string }, Unauthenticated> =>
  /^[\x20-\x7e]*$/.test(token)
    ? Effect.succeed({ authorization: `Bearer ${token}` })
    : new Unauthenticated({
        detail:
          "the token has a line break or another character that no token has, so it wasn't sent: is it one token, copied whole, and nothing else?"
      })

/** The header field of the bearer token that is meant, for a request; undefined where there is none. */
const authorizationOf = (
  given: ConnectionOptions["token"]
): Effect.Effect<{ readonly authorization: string }, unknown> | undefined => {
  const written = given === undefined ? variable("MAXCLOUD_API_KEY") : given
  if (typeof written === "function") {
    return Effect.flatMap(Effect.tryPromise({ try: written, catch: (value) => value }), (text) => bearer(text.trim()))
  }
  const token = (written === undefined || typeof written === "string" ? written : Redacted.value(written))?.trim()
  return token === undefined || token === "" ? undefined : bearer(token)
}

/** May a credential be sent there: encrypted, or not over any wire? */
export const isSafeForTokens = (apiUrl: string): boolean => {
  if (variable("MAXCLOUD_INSECURE") === "1" || !URL.canParse(apiUrl)) return true
  const { hostname, protocol } = new URL(apiUrl)
  return protocol !== "http:" || /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}

/** May this request go out: is it safe where it goes, or nothing in it or its answer secret? */
const mayGoOut = (apiUrl: string, method: string, url: string, hasCredential: boolean): boolean => {
  if (isSafeForTokens(url)) return true
  const base = URL.canParse(apiUrl) ? new URL(apiUrl).pathname.replace(/\/+$/, "") : ""
  const { pathname } = new URL(url)
  return !hasCredential && pathname.startsWith(base) && !carriesSecret(method, pathname.slice(base.length))
}

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

/** For messages: a URL may hold the password of a proxy before the server. */
const withoutPassword = (apiUrl: string): string => apiUrl.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1")

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "unknown"
  if ("code" in cause && typeof cause.code === "string") return cause.code
  if ("errors" in cause && Array.isArray(cause.errors)) return codeOf(cause.errors[0])
  if ("cause" in cause && cause.cause !== undefined) return codeOf(cause.cause)
  return cause instanceof Error ? cause.message : "unknown"
}

const decodeProblem = Schema.decodeUnknownEither(Schema.parseJson(ApiError))

/** The error that an answer means: the problem document that it holds, else that it is unexpected. */
const errorOf = (url: string, status: number, body: string): ApiError | UnexpectedAnswer =>
  Either.getOrElse(decodeProblem(body), () => {
    const begin = body.replace(/\s+/g, " ").trim().slice(0, 200)
    return new UnexpectedAnswer({ url, status, detail: begin === "" ? "no content" : begin })
  })

/**
 * The ways to the server: the client derived from the contract, and open streams for what it cannot say. `ownToken` finds the token of a
 * server that this user has started.
 */
export const makeConnection = (
  options: ConnectionOptions,
  ownToken: (apiUrl: string) => Promise<string | undefined>
) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl()).replace(/\/+$/, "")
  const ownAuthorization = authorizationOf(options.token)
  /** Read for each request: a server that has started anew has a new one. */
  const asOwner: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
    Effect.promise(() => ownToken(apiUrl)),
    (token) => (token === undefined ? {} : { authorization: `Bearer ${token}` })
  )
  const authorization: Effect.Effect<Readonly<Record<string, string>>, unknown> = ownAuthorization ?? asOwner
  const plainFetch = options.fetch ?? globalThis.fetch
  const valid = URL.canParse(apiUrl) && /^https?:/.test(apiUrl)
  const shownUrl = withoutPassword(apiUrl)
  const notReachable = (cause: unknown) =>
    new NotReachable({
      apiUrl: shownUrl,
      code: valid ? codeOf(cause).replaceAll(apiUrl, shownUrl) : "ERR_INVALID_URL",
      proxy: cause instanceof ProxyFailed ? cause : undefined
    })

  /** Why a request failed. Some are never sent. */
  const unsent = (cause: unknown) =>
    cause instanceof InsecureUrl || cause instanceof Unauthenticated ? cause : notReachable(cause)

  /** The one place that every request passes: what must stay secret is never sent, or asked for, where it could be read on its way. */
  const guard = (method: string, url: string, headers: Readonly<Record<string, string | undefined>>) =>
    mayGoOut(apiUrl, method, url, headers.authorization !== undefined)
      ? Effect.void
      : new InsecureUrl({ apiUrl: shownUrl })

  const guardRequest = (request: HttpClientRequest.HttpClientRequest) =>
    Effect.mapError(
      guard(request.method, request.url, request.headers),
      (cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause })
    )

  const clientWith = (headers: Effect.Effect<Readonly<Record<string, string>>, unknown>) =>
    Effect.map(HttpClient.HttpClient, (client) =>
      client.pipe(
        HttpClient.mapRequestEffect((request) =>
          headers.pipe(
            Effect.map((more) => ({ ...request, headers: { ...request.headers, ...more } })),
            Effect.mapError((cause) => new HttpClientError.RequestError({ request, reason: "Transport", cause }))
          )
        ),
        // The last step before it is sent: its address is whole here, and so are its headers.
        HttpClient.transform((effect, request) => Effect.zipRight(guardRequest(request), effect)),
        HttpClient.transform((effect) =>
          Effect.provideService(effect, FetchHttpClient.Fetch, plainFetch).pipe(
            Effect.provideService(FetchHttpClient.RequestInit, { redirect: "manual" }),
            Effect.withTracerEnabled(false)
          )
        )
      )
    ).pipe(
      Effect.provide(options.httpClient ?? FetchHttpClient.layer),
      Effect.flatMap((httpClient) => HttpApiClient.makeWith(MaxCloudApi, { httpClient, baseUrl: apiUrl }))
    )

  const api = clientWith(authorization)
  /** For what is asked without a credential: a stale one must not be in the way of getting another. */
  const anonymousApi = clientWith(asOwner)

  const toCallError = (
    error: ApiError | HttpClientError.HttpClientError | ParseResult.ParseError | HttpApiError.HttpApiDecodeError
  ): Effect.Effect<never, CallError> => {
    switch (error._tag) {
      case "RequestError":
        return Effect.fail(unsent(error.cause))
      case "ResponseError":
        return Effect.matchEffect(error.response.text, {
          // The answer broke off.
          onFailure: ({ cause }) => Effect.fail(notReachable(cause)),
          onSuccess: (body) => Effect.fail(errorOf(error.request.url, error.response.status, body))
        })
      case "ParseError": {
        const [first] = ParseResult.ArrayFormatter.formatErrorSync(error)
        const detail = first === undefined ? error.message : [...first.path, first.message].join(": ")
        return Effect.fail(new UnexpectedAnswer({ url: apiUrl, status: 0, detail }))
      }
      case "HttpApiDecodeError":
        return Effect.fail(new InvalidRequest({ detail: error.message, issues: [] }))
      default:
        return Effect.fail(error)
    }
  }

  type DerivedError =
    | ApiError
    | HttpClientError.HttpClientError
    | ParseResult.ParseError
    | HttpApiError.HttpApiDecodeError

  /** Gives a call of the derived client the errors of the SDK. It waits by itself for a rate limit that is over soon. */
  const call = <A>(effect: Effect.Effect<A, DerivedError>): Effect.Effect<A, CallError> =>
    throughLimits(Effect.catchAll(effect, toCallError))

  /** A request whose answer is read as it comes. It is aborted when the scope closes. Any status but 2xx is a failure. */
  const open = (
    path: string,
    init: RequestInit & { readonly duplex?: "half" }
  ): Effect.Effect<Response, CallError, Scope.Scope> => {
    const url = `${apiUrl}${path}`
    const once: Effect.Effect<Response, CallError, Scope.Scope> = Effect.gen(function* () {
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const own = yield* Effect.mapError(authorization, unsent)
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...own }
      if (URL.canParse(url)) yield* guard(init.method ?? "GET", url, headers)
      const response = yield* Effect.tryPromise({
        // The target of a redirect isn't the server that was given the credential, or the body.
        try: () => plainFetch(url, { ...init, redirect: "manual", headers, signal: controller.signal }),
        catch: notReachable
      })
      if (response.ok) return response
      const body = yield* Effect.tryPromise({ try: () => response.text(), catch: notReachable })
      return yield* errorOf(url, response.status, body)
    })
    // A body that is a stream is read only once.
    return init.body === undefined ? throughLimits(once) : once
  }

  /** A WebSocket, whose handshake has the credential in its headers, never in its URL. It closes with the scope. */
  const socket = (path: string, protocol: string): Effect.Effect<WebSocket, CallError, Scope.Scope> =>
    Effect.gen(function* () {
      const headers = yield* Effect.mapError(authorization, unsent)
      const url = `${apiUrl}${path}`
      if (!valid) return yield* notReachable(undefined)
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
            {
              once: true
            }
          )
        }),
        (opened) => Effect.sync(() => opened.close())
      )
    })

  const refusedWithout = ({ status, url }: Response) =>
    new UnexpectedAnswer({ url, status, detail: "no WebSocket can be opened: does a proxy on the way refuse it?" })

  /** The lines of an answer, as they come: an export. A connection that breaks is a failure, never the end. */
  const lines = (path: string): Stream.Stream<string, CallError> =>
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

  return { apiUrl, api, anonymousApi, call, open, socket, lines, notReachable }
}
export type Connection = ReturnType<typeof makeConnection>
