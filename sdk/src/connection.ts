import { FetchHttpClient, HttpApiClient, type HttpApiError, HttpClient, type HttpClientError } from "@effect/platform"
import { Effect, Either, type Layer, ParseResult, Redacted, Schema, type Scope } from "effect"
import { MaxCloudApi } from "./api/api.ts"
import { ApiError, InvalidRequest } from "./api/errors.ts"
import { type CallError, NotReachable, UnexpectedAnswer } from "./errors.ts"

export interface ConnectionOptions {
  /** @default `MAXCLOUD_API_URL`, else http://127.0.0.1:8080 */
  readonly apiUrl?: string | undefined
  /** Sent as a bearer token. A server on loopback needs none. */
  readonly token?: string | Redacted.Redacted<string> | undefined
  /** @default the global one */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** What calls are made with, but for streams and uploads. @default `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
}

/** Where a server is by default: `MAXCLOUD_API_URL`, else port 8080 of this machine. */
export const defaultApiUrl = (): string => {
  const given = process.env.MAXCLOUD_API_URL
  return given === undefined || given === "" ? "http://127.0.0.1:8080" : given
}

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

/** The ways to the server: the client derived from the contract, and open streams for what it cannot say. */
export const makeConnection = (options: ConnectionOptions) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl()).replace(/\/+$/, "")
  const given = options.token
  const token = given === undefined ? undefined : typeof given === "string" ? given : Redacted.value(given)
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const plainFetch = options.fetch ?? globalThis.fetch
  const valid = URL.canParse(apiUrl) && /^https?:/.test(apiUrl)
  const notReachable = (cause: unknown) => new NotReachable({ apiUrl, code: valid ? codeOf(cause) : "ERR_INVALID_URL" })

  const httpClient = Effect.map(HttpClient.HttpClient, (client) =>
    client.pipe(
      HttpClient.mapRequest((request) => ({ ...request, headers: { ...request.headers, ...authorization } })),
      HttpClient.transform((effect) =>
        Effect.provideService(effect, FetchHttpClient.Fetch, plainFetch).pipe(Effect.withTracerEnabled(false))
      )
    )
  ).pipe(Effect.provide(options.httpClient ?? FetchHttpClient.layer))

  const api = Effect.flatMap(httpClient, (httpClient) =>
    HttpApiClient.makeWith(MaxCloudApi, { httpClient, baseUrl: apiUrl })
  )

  const toCallError = (
    error: ApiError | HttpClientError.HttpClientError | ParseResult.ParseError | HttpApiError.HttpApiDecodeError
  ): Effect.Effect<never, CallError> => {
    switch (error._tag) {
      case "RequestError":
        return Effect.fail(notReachable(error.cause))
      case "ResponseError":
        return error.response.text.pipe(
          Effect.orElseSucceed(() => ""),
          Effect.flatMap((body) => Effect.fail(errorOf(error.request.url, error.response.status, body)))
        )
      case "ParseError": {
        const [first] = ParseResult.ArrayFormatter.formatErrorSync(error)
        const detail = first === undefined ? error.message : `${first.path.join(".")}: ${first.message}`
        return Effect.fail(new UnexpectedAnswer({ url: apiUrl, status: 0, detail }))
      }
      case "HttpApiDecodeError":
        return Effect.fail(new InvalidRequest({ detail: error.message, issues: [] }))
      default:
        return Effect.fail(error)
    }
  }

  /** Gives a call of the derived client the errors of the SDK. */
  const call = <A>(
    effect: Effect.Effect<
      A,
      ApiError | HttpClientError.HttpClientError | ParseResult.ParseError | HttpApiError.HttpApiDecodeError
    >
  ): Effect.Effect<A, CallError> => Effect.catchAll(effect, toCallError)

  /** A request whose answer is read as it comes. It is aborted when the scope closes. Any status but 2xx is a failure. */
  const open = (
    path: string,
    init: RequestInit & { readonly duplex?: "half" }
  ): Effect.Effect<Response, CallError, Scope.Scope> =>
    Effect.gen(function* () {
      const controller = yield* Effect.acquireRelease(
        Effect.sync(() => new AbortController()),
        (controller) => Effect.sync(() => controller.abort())
      )
      const url = `${apiUrl}${path}`
      const headers = { ...Object.fromEntries(new Headers(init.headers)), ...authorization }
      const response = yield* Effect.tryPromise({
        try: () => plainFetch(url, { ...init, headers, signal: controller.signal }),
        catch: notReachable
      })
      if (response.ok) return response
      const body = yield* Effect.tryPromise({ try: () => response.text(), catch: notReachable })
      return yield* errorOf(url, response.status, body)
    })

  return { apiUrl, api, call, open, notReachable }
}
export type Connection = ReturnType<typeof makeConnection>
