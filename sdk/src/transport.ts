import type { HttpClient } from "@effect/platform"
import { Effect, type Layer, Redacted } from "effect"
import { Unauthenticated } from "./api/errors.ts"
import { carriesSecret } from "./api/operations.ts"
import { InsecureUrl, NotReachable } from "./errors.ts"
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
  /** What calls are made with, but for streams and uploads. @default `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
}

/** Browsers have no environment. */
const variable = (name: string): string | undefined => (typeof process === "undefined" ? undefined : process.env[name])

/** Where a server is by default: `MAXCLOUD_API_URL`, else port 8080 of this machine. */
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

/** For messages: a URL may hold the password of a proxy before the server. */
const withoutPassword = (apiUrl: string): string => apiUrl.replace(/^([a-z]+:\/\/)[^/?#]*@/i, "$1")

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "unknown"
  if ("code" in cause && typeof cause.code === "string") return cause.code
  if ("errors" in cause && Array.isArray(cause.errors)) return codeOf(cause.errors[0])
  if ("cause" in cause && cause.cause !== undefined) return codeOf(cause.cause)
  return cause instanceof Error ? cause.message : "unknown"
}

/** The header fields that say who asks. */
export type Credential = Effect.Effect<Readonly<Record<string, string>>, unknown>

/**
 * How requests reach a server: its address, the caller's credential, and what is never sent. `ownToken` finds the token of a server that
 * this user has started.
 */
export const makeTransport = (
  options: ConnectionOptions,
  ownToken: (apiUrl: string) => Promise<string | undefined>
) => {
  const apiUrl = (options.apiUrl ?? defaultApiUrl()).replace(/\/+$/, "")
  /** Read for each request: a server that has started anew has a new one. */
  const asOwner: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
    Effect.promise(() => ownToken(apiUrl)),
    (token) => (token === undefined ? {} : { authorization: `Bearer ${token}` })
  )
  const authorization: Credential = authorizationOf(options.token) ?? asOwner
  const isValid = URL.canParse(apiUrl) && /^https?:/.test(apiUrl)
  const shownUrl = withoutPassword(apiUrl)
  const notReachable = (cause: unknown) =>
    new NotReachable({
      apiUrl: shownUrl,
      code: isValid ? codeOf(cause).replaceAll(apiUrl, shownUrl) : "ERR_INVALID_URL",
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

  return {
    apiUrl,
    isValid,
    fetch: options.fetch ?? globalThis.fetch,
    httpClient: options.httpClient,
    authorization,
    asOwner,
    guard,
    notReachable,
    unsent
  }
}
export type Transport = ReturnType<typeof makeTransport>
