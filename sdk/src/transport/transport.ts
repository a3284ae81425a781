import type * as HttpClient from "@effect/platform/HttpClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, type Layer, Redacted, Schema } from "effect"
import { InvalidRequest, Unauthenticated } from "../api/errors.ts"
import { carriesSecret, inOrganization } from "../api/operations.ts"
import { CredentialUnavailable, InsecureUrl, NotReachable, noAnswerCode } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { ProxyFailed } from "../proxy/ProxyFailed.ts"
import { defaultApiUrl, isSafeForTokens, isServerUrl } from "./serverUrl.ts"

/** The server announces that it will stop accepting such requests. */
export interface DeprecationNotice {
  readonly method: string
  readonly url: string
  /** The date as an HTTP-date (RFC 8594); undefined if the server doesn't say. */
  readonly sunset: string | undefined
}

export interface ConnectionOptions {
  /** @default `MAXCLOUD_API_URL`, else http://127.0.0.1:8080 */
  readonly apiUrl?: string | undefined
  /**
   * Sent as a bearer token: an API key, a session's token, or an OIDC token that the organization trusts. A function is called before each request,
   * for tokens that expire soon. `""` means none, except that of a server in local mode that this user has started. Never sent over `http:` to
   * another machine, unless `MAXCLOUD_INSECURE=1` is in the environment.
   * @default `defaultCredentials()`: the credential of `maxcloud auth login` or CI
   */
  readonly token?: string | Redacted.Redacted<string> | (() => Promise<string>) | undefined
  /**
   * The organization for calls, which the credential must have access to. A session has access to all organizations of its person, a key or OIDC
   * token only to its own. Calls about the person and their session don't depend on it. @default "-", the credential's own
   */
  readonly organization?: string | undefined
  /** Called for responses that announce the removal of the operation (RFC 9745). */
  readonly onDeprecated?: ((notice: DeprecationNotice) => void) | undefined
  /** `proxiedFetch()` of `@maxcloud/sdk/proxy` follows `HTTPS_PROXY` and its like. @default the global one */
  readonly fetch?: typeof globalThis.fetch | undefined
  /** The fetch for calls other than streams and uploads. @default `fetch` */
  readonly httpClient?: Layer.Layer<HttpClient.HttpClient> | undefined
  /** How long a response may take before the call fails with `NotReachable`. Streams and uploads continue as long as data flows. @default 60 */
  readonly timeoutSeconds?: number | undefined
}

export const connectionOptions: OptionKinds<ConnectionOptions> = {
  apiUrl: "text",
  organization: "text",
  token: "any",
  onDeprecated: "function",
  fetch: "function",
  httpClient: "any",
  timeoutSeconds: "number"
}

/** A client's access to its environment. */
export interface ClientHost {
  /** The `User-Agent`; undefined if the browser sets it. */
  readonly userAgent: string | undefined
  /** The token of a server in local mode that this user has started. */
  readonly local: (apiUrl: string) => Promise<string | undefined>
  /** The credential for requests of a client without a token; `""` if there is none. */
  readonly found: (apiUrl: string) => () => Promise<string>
}

/** The header fields that identify the caller. */
export type Credential = Effect.Effect<Readonly<Record<string, string>>, unknown>

/** A header field may only contain printable ASCII. Check it here, because HTTP clients quote an invalid one in their errors. */
const bearer = (token: string): Effect.Effect<{ readonly authorization: string }, Unauthenticated> =>
  /^[\x20-\x7e]*$/.test(token)
    ? Effect.succeed({ authorization: `Bearer ${token}` })
    : new Unauthenticated({
        detail:
          "the token has a line break or another invalid character, so it wasn't sent: copy the complete token, and nothing else"
      })

/** The header field with the bearer token that a function returns for a request. */
const askedFor = (token: () => Promise<string>): Credential =>
  Effect.flatMap(Effect.tryPromise({ try: token, catch: (value) => value }), (text) =>
    text.trim() === "" ? Effect.succeed({}) : bearer(text.trim())
  )

/** Whether it's safe to send this request: the server's URL is safe, or neither the request nor its response contains a secret. */
const mayGoOut = (apiUrl: string, method: string, url: string, hasCredential: boolean): boolean => {
  if (isSafeForTokens(url)) return true
  const base = URL.canParse(apiUrl) ? new URL(apiUrl).pathname.replace(/\/+$/, "") : ""
  const { pathname } = new URL(url)
  return !hasCredential && pathname.startsWith(base) && !carriesSecret(method, pathname.slice(base.length))
}

/** The URL for messages, without a password, such as that of a proxy in front of the server. */
const withoutPassword = (apiUrl: string): string => apiUrl.replace(/^([a-z]+:\/\/)?[^/?#]*@/i, "$1")

const codeOf = (cause: unknown): string => {
  if (typeof cause !== "object" || cause === null) return "unknown"
  if ("code" in cause && typeof cause.code === "string") return cause.code
  if ("errors" in cause && Array.isArray(cause.errors)) return codeOf(cause.errors[0])
  if ("cause" in cause && cause.cause !== undefined) return codeOf(cause.cause)
  return cause instanceof Error ? cause.message : "unknown"
}

/** The credential for requests: the given token, else the one that is found; `""` means only that of a server in local mode. */
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

/** Why the server's URL is invalid; undefined if it's valid. */
const urlFault = (apiUrl: string, isGiven: boolean): InvalidRequest | undefined => {
  if (isServerUrl(apiUrl)) return undefined
  const detail = `${isGiven ? "apiUrl" : "MAXCLOUD_API_URL"} ${JSON.stringify(withoutPassword(apiUrl))} isn't the URL of a server. Use a form like https://cloud.example.com or http://127.0.0.1:8080.`
  return new InvalidRequest({ detail, errors: [] })
}

/** The path of a call for this organization. Refuses invalid names: `..` would lead to another path. */
const pathIn =
  (organization: string, fault: InvalidRequest | undefined) =>
  (path: string): Effect.Effect<string, InvalidRequest> => {
    if (fault !== undefined) return fault
    if (organization === ownOrganization) return Effect.succeed(path)
    if (isOrganization(organization)) return Effect.succeed(inOrganization(path, organization))
    const detail = `The organization ${JSON.stringify(organization)} isn't a valid name. Use one like "acme", or "-" for the credential's own.`
    return new InvalidRequest({ detail, errors: [] })
  }

/** Servers respond much faster. Calls that wait for a person, a build or a probe have their own limits. */
const defaultTimeoutSeconds = 60

/** How requests reach a server: its URL, the caller's credential, the timeout, and what must not be sent. */
export const makeTransport = (options: ConnectionOptions, host: ClientHost) => {
  const written = options.apiUrl ?? defaultApiUrl()
  const apiUrl = written.replace(/\/+$/, "")
  const agent: Readonly<Record<string, string>> = host.userAgent === undefined ? {} : { "user-agent": host.userAgent }
  /** Read for each request, because a restarted server has a new one. */
  const localCredential: Effect.Effect<Readonly<Record<string, string>>> = Effect.map(
    Effect.promise(() => host.local(apiUrl)),
    (token) => (token === undefined ? {} : { authorization: `Bearer ${token}` })
  )
  const withAgent = <E>(credential: Effect.Effect<Readonly<Record<string, string>>, E>) =>
    Effect.map(credential, (fields) => ({ ...agent, ...fields }))
  const authorization: Credential = withAgent(authorizationOf(options.token, host.found(apiUrl), localCredential))
  const timeoutSeconds = options.timeoutSeconds ?? defaultTimeoutSeconds
  if (!(timeoutSeconds > 0)) {
    const detail = `timeoutSeconds is ${timeoutSeconds}. Use a number above 0; leave it out for ${defaultTimeoutSeconds}.`
    throw new InvalidRequest({ detail, errors: [] })
  }
  const shownUrl = withoutPassword(apiUrl)
  const notReachable = (cause: unknown) =>
    new NotReachable({
      apiUrl: shownUrl,
      code: codeOf(cause).replaceAll(apiUrl, shownUrl),
      proxy: cause instanceof ProxyFailed ? cause : undefined
    })

  const noAnswer = (seconds: number) => new NotReachable({ apiUrl: shownUrl, code: noAnswerCode, seconds })

  /** The error of a failed request, which may not have been sent. */
  const unsent = (cause: unknown) =>
    cause instanceof InsecureUrl || cause instanceof Unauthenticated || cause instanceof CredentialUnavailable
      ? cause
      : notReachable(cause)

  /** Every request passes here. It refuses to send or request a secret if others could read it on the way. */
  const guard = (method: string, url: string, headers: Readonly<Record<string, string | undefined>>) =>
    mayGoOut(apiUrl, method, url, headers.authorization !== undefined)
      ? Effect.void
      : new InsecureUrl({ apiUrl: shownUrl })

  return {
    apiUrl,
    shownUrl,
    pathOf: pathIn(options.organization ?? ownOrganization, urlFault(written, options.apiUrl !== undefined)),
    /** Reads the header fields of a response. */
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
