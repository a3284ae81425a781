import type * as HttpClient from "@effect/platform/HttpClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, type Layer, Redacted, Schema } from "effect"
import { InvalidRequest, Unauthenticated } from "../api/errors.ts"
import { carriesSecret, inOrganization } from "../api/operations.ts"
import { CredentialUnavailable, InsecureUrl, NotReachable, noAnswerCode } from "../errors.ts"
import { ProxyFailed } from "../proxy/ProxyFailed.ts"
import { defaultApiUrl, isSafeForTokens, isServerUrl } from "./serverUrl.ts"

/** The server says that it will stop to take such requests. */
export interface DeprecationNotice {
  readonly method: string
  readonly url: string
  /** When that is: an HTTP-date (RFC 8594). Undefined: it doesn't say. */
  readonly sunset: string | undefined
}

export interface ConnectionOptions {
  /** @default `MAXCLOUD_API_URL`, else http://127.0.0.1:8080 */
  readonly apiUrl?: string | undefined
  /**
   * Sent as a bearer token: an API key, a session's token, or an OIDC token that the organization trusts. A function is
   * asked before each request: for tokens that end soon. `""`: none but that of a server in local mode that this user has started. Never sent
   * by `http:` to another machine, unless `MAXCLOUD_INSECURE=1` is in the environment.
   * @default `defaultCredentials()`: what `maxcloud auth login` or CI opened
   */
  readonly token?: string | Redacted.Redacted<string> | (() => Promise<string>) | undefined
  /**
   * The organization that calls are about: one that the credential opens. A session opens all that its person is a member of; a key and an OIDC
   * token open their own. Calls about the person and their session don't depend on it. @default "-", the credential's own
   */
  readonly organization?: string | undefined
  /** Told of answers which say that the operation will be removed (RFC 9745). */
  readonly onDeprecated?: ((notice: DeprecationNotice) => void) | undefined
  /** `proxiedFetch()` of `@maxcloud/sdk/proxy` follows `HTTPS_PROXY` and its like. @default the global one */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** What calls are made with, but for streams and uploads. @default `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
  /** How long the answer to a call may take: then it fails with `NotReachable`. Streams and uploads go on as long as they move. @default 60 */
  readonly timeoutSeconds?: number | undefined
}

/** What a client has from the place that it runs in. */
export interface ClientHost {
  /** What it says of itself in `User-Agent`; undefined: the browser says it. */
  readonly userAgent: string | undefined
  /** The token of a server in local mode that this user has started. */
  readonly local: (apiUrl: string) => Promise<string | undefined>
  /** For requests of a client without a token: `""` if there is none. */
  readonly found: (apiUrl: string) => () => Promise<string>
}

/** The header fields that say who asks. */
export type Credential = Effect.Effect<Readonly<Record<string, string>>, unknown>

/** A header field has only printable ASCII. What refuses another one quotes it, so it never gets that far. */
const bearer = (token: string): Effect.Effect<{ readonly authorization: string }, Unauthenticated> =>
  /^[\x20-\x7e]*$/.test(token)
    ? Effect.succeed({ authorization: `Bearer ${token}` })
    : new Unauthenticated({
        detail:
          "the token has a line break or another character that no token has, so it wasn't sent: is it one token, copied whole, and nothing else?"
      })

/** The header field of the bearer token that a function gives for a request. */
const askedFor = (token: () => Promise<string>): Credential =>
  Effect.flatMap(Effect.tryPromise({ try: token, catch: (value) => value }), (text) =>
    text.trim() === "" ? Effect.succeed({}) : bearer(text.trim())
  )

/** May this request go out: is it safe where it goes, or nothing in it or its answer secret? */
const mayGoOut = (apiUrl: string, method: string, url: string, hasCredential: boolean): boolean => {
  if (isSafeForTokens(url)) return true
  const base = URL.canParse(apiUrl) ? new URL(apiUrl).pathname.replace(/\/+$/, "") : ""
  const { pathname } = new URL(url)
  return !hasCredential && pathname.startsWith(base) && !carriesSecret(method, pathname.slice(base.length))
}

/** For messages: a URL may hold the password of a proxy before the server. */
const withoutPassword = (apiUrl: string): string => apiUrl.replace(/^([a-z]+:\/\/)?[^/?#]*@/i, "$1")

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "unknown"
  if ("code" in cause && typeof cause.code === "string") return cause.code
  if ("errors" in cause && Array.isArray(cause.errors)) return codeOf(cause.errors[0])
  if ("cause" in cause && cause.cause !== undefined) return codeOf(cause.cause)
  return cause instanceof Error ? cause.message : "unknown"
}

/** The credential of requests: the given token, else the one that is found; `""`: only that of a server in local mode. */
const authorizationOf = (
  given: ConnectionOptions["token"],
  found: () => Promise<string>,
  asOwner: Credential
): Credential => {
  if (given === undefined || typeof given === "function") return askedFor(given ?? found)
  const token = (typeof given === "string" ? given : Redacted.value(given)).trim()
  return token === "" ? asOwner : bearer(token)
}

const ownOrganization = "-"
const isOrganization = Schema.is(OrganizationName)

/** Why nothing can be sent to what was given as the server's URL; undefined if something can. */
const urlFault = (apiUrl: string, isGiven: boolean): InvalidRequest | undefined => {
  if (isServerUrl(apiUrl)) return undefined
  const detail = `${isGiven ? "apiUrl" : "MAXCLOUD_API_URL"} ${JSON.stringify(withoutPassword(apiUrl))} isn't the URL of a server. Write it as https://cloud.example.com or http://127.0.0.1:8080.`
  return new InvalidRequest({ detail, errors: [] })
}

/** The path of a call about this organization. A name that can't be one is never sent: `..` would lead to another path. */
const pathIn =
  (organization: string, fault: InvalidRequest | undefined) =>
  (path: string): Effect.Effect<string, InvalidRequest> => {
    if (fault !== undefined) return fault
    if (organization === ownOrganization) return Effect.succeed(path)
    if (isOrganization(organization)) return Effect.succeed(inOrganization(path, organization))
    const detail = `The organization ${JSON.stringify(organization)} isn't a valid name. Use one like "acme", or "-" for the credential's own.`
    return new InvalidRequest({ detail, errors: [] })
  }

/** The server answers a call long before. What waits for a person, a build or a probe has a limit of its own. */
const defaultTimeoutSeconds = 60

/** How requests reach a server: its address, the caller's credential, how long an answer may take, and what is never sent. */
export const makeTransport = (options: ConnectionOptions, host: ClientHost) => {
  const written = options.apiUrl ?? defaultApiUrl()
  const apiUrl = written.replace(/\/+$/, "")
  const agent: Readonly<Record<string, string>> = host.userAgent === undefined ? {} : { "user-agent": host.userAgent }
  /** Read for each request: a server that has started anew has a new one. */
  const localCredential: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
    Effect.promise(() => host.local(apiUrl)),
    (token) => (token === undefined ? {} : { authorization: `Bearer ${token}` })
  )
  const withAgent = <E>(credential: Effect.Effect<Readonly<Record<string, string>>, E>) =>
    Effect.map(credential, (fields) => ({ ...agent, ...fields }))
  const authorization: Credential = withAgent(authorizationOf(options.token, host.found(apiUrl), localCredential))
  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeoutSeconds
  if (!(timeoutSeconds > 0)) {
    throw new TypeError(
      `timeoutSeconds is ${timeoutSeconds}. Use a number above 0; leave it out for ${defaultTimeoutSeconds}.`
    )
  }
  const shownUrl = withoutPassword(apiUrl)
  const notReachable = (cause: unknown) =>
    new NotReachable({
      apiUrl: shownUrl,
      code: codeOf(cause).replaceAll(apiUrl, shownUrl),
      proxy: cause instanceof ProxyFailed ? cause : undefined
    })

  const noAnswer = (seconds: number) => new NotReachable({ apiUrl: shownUrl, code: noAnswerCode, seconds })

  /** Why a request failed. Some are never sent. */
  const unsent = (cause: unknown) =>
    cause instanceof InsecureUrl || cause instanceof Unauthenticated || cause instanceof CredentialUnavailable
      ? cause
      : notReachable(cause)

  /** The one place that every request passes: what must stay secret is never sent, or asked for, where it could be read on its way. */
  const guard = (method: string, url: string, headers: Readonly<Record<string, string | undefined>>) =>
    mayGoOut(apiUrl, method, url, headers.authorization !== undefined)
      ? Effect.void
      : new InsecureUrl({ apiUrl: shownUrl })

  return {
    apiUrl,
    shownUrl,
    pathOf: pathIn(options.organization ?? ownOrganization, urlFault(written, options.apiUrl !== undefined)),
    /** Looks at the header fields of an answer. */
    noteDeprecation: (method: string, url: string, field: (name: string) => string | null | undefined) => {
      if (field("deprecation") == null) return
      options.onDeprecated?.({ method, url, sunset: field("sunset") ?? undefined })
    },
    fetch: options.fetch ?? globalThis.fetch,
    httpClient: options.httpClient,
    authorization,
    asOwner: withAgent(localCredential),
    guard,
    timeoutSeconds,
    noAnswer,
    notReachable,
    unsent
  }
}
export type Transport = ReturnType<typeof makeTransport>
