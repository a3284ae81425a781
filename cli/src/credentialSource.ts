import { Effect, Redacted, Schema } from "effect"
import { makeCredentials } from "./credentials.ts"
import { CommandFailed } from "./failure.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** The origin of a credential. */
export type Source = "MAXCLOUD_API_KEY" | "MAXCLOUD_ID_TOKEN" | "GitHub Actions" | "credentials file"

export interface Credential {
  readonly token: Redacted.Redacted<string>
  readonly source: Source
  /** The token for a later request, where it may have ended since. */
  readonly renewed?: () => Promise<string>
}

const given = (env: Environment, name: string): string | undefined => {
  const written = env[name]?.trim()
  return written === "" ? undefined : written
}

/** A credential that takes precedence over the credentials file; undefined if the file is used. */
export const sourceOfEnvironment = (env: Environment): Exclude<Source, "credentials file"> | undefined => {
  if (given(env, "MAXCLOUD_API_KEY") !== undefined) return "MAXCLOUD_API_KEY"
  if (given(env, "MAXCLOUD_ID_TOKEN") !== undefined) return "MAXCLOUD_ID_TOKEN"
  return given(env, "ACTIONS_ID_TOKEN_REQUEST_URL") !== undefined && given(env, "MAXCLOUD_ORGANIZATION") !== undefined
    ? "GitHub Actions"
    : undefined
}

const IdToken = Schema.Struct({ value: Schema.NonEmptyString })
const decodeIdToken = Schema.decodeUnknownEither(IdToken)

const noIdToken = (exit: 1 | 3, detail: string) =>
  new CommandFailed({
    tag: "IdTokenUnavailable",
    exit,
    message: `GitHub Actions gives no ID token: ${detail}`,
    fix: exit === 3 ? "try again" : "the job needs `permissions: id-token: write`"
  })

/** An ID token of the running job, for the organization (GitHub: "OpenID Connect reference", requesting the token by the request URL). */
const githubToken = (env: Environment): Effect.Effect<Redacted.Redacted<string>, CommandFailed> =>
  Effect.gen(function* () {
    const written = given(env, "ACTIONS_ID_TOKEN_REQUEST_URL") ?? ""
    const requestToken = given(env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if (!URL.canParse(written)) return yield* noIdToken(1, "ACTIONS_ID_TOKEN_REQUEST_URL isn't a URL")
    if (requestToken === undefined) return yield* noIdToken(1, "ACTIONS_ID_TOKEN_REQUEST_TOKEN is not set")
    const { isSafeForTokens } = yield* Effect.promise(() => import("@maxcloud/sdk/internal"))
    if (!isSafeForTokens(written)) return yield* noIdToken(1, "ACTIONS_ID_TOKEN_REQUEST_URL is not encrypted")
    const url = new URL(written)
    url.searchParams.set("audience", `maxcloud/${given(env, "MAXCLOUD_ORGANIZATION")}`)
    const { ProxyFailed, proxiedFetch } = yield* Effect.promise(() => import("@maxcloud/sdk/proxy"))
    const fetch = proxiedFetch(env)
    const response = yield* Effect.tryPromise({
      try: (signal) => fetch(url, { headers: { authorization: `Bearer ${requestToken}` }, redirect: "error", signal }),
      catch: (cause) => noIdToken(3, cause instanceof ProxyFailed ? cause.problem : `${url.host} cannot be reached`)
    }).pipe(
      Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => noIdToken(3, `${url.host} does not answer`) })
    )
    if (!response.ok) {
      return yield* noIdToken(response.status >= 500 || response.status === 429 ? 3 : 1, `status ${response.status}`)
    }
    const body: unknown = yield* Effect.tryPromise({
      try: () => response.json(),
      catch: () => noIdToken(3, "its answer cannot be read")
    })
    const decoded = decodeIdToken(body)
    return decoded._tag === "Right"
      ? Redacted.make(decoded.right.value)
      : yield* noIdToken(1, "its answer holds no token")
  })

const renewBeforeMs = 60_000

/** When a JWT ends, in milliseconds; 0 where it does not say. */
const endOf = (jwt: string): number => {
  try {
    const { exp } = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"))
    return typeof exp === "number" ? exp * 1000 : 0
  } catch {
    return 0
  }
}

/** ID tokens of GitHub end after minutes, and a deployment may take longer. */
const renewing = (env: Environment, first: Redacted.Redacted<string>): (() => Promise<string>) => {
  let token = Redacted.value(first)
  return async () => {
    const end = endOf(token)
    if (end !== 0 && Date.now() > end - renewBeforeMs) {
      token = Redacted.value(await Effect.runPromise(githubToken(env)))
    }
    return token
  }
}

/**
 * The credential for a server: `MAXCLOUD_API_KEY`, else `MAXCLOUD_ID_TOKEN` (an OIDC token as it is), else in a job of GitHub Actions with
 * `MAXCLOUD_ORGANIZATION` an ID token of that job, else what is kept for the server; undefined where there is none.
 */
export const findCredential = (
  apiUrl: string,
  env: Environment,
  warn: (line: string) => void
): Effect.Effect<Credential | undefined, CommandFailed> =>
  Effect.gen(function* () {
    const source = sourceOfEnvironment(env)
    if (source === undefined) {
      const kept = yield* makeCredentials(env, warn).find(apiUrl)
      return kept === undefined ? undefined : { token: kept.token, source: "credentials file" as const }
    }
    if (source !== "GitHub Actions") return { token: Redacted.make(given(env, source) ?? ""), source }
    const token = yield* githubToken(env)
    return { token, source, renewed: renewing(env, token) }
  })

/** The fix if the server doesn't know the credential. */
export const signInFix = (env: Environment): string => {
  const source = sourceOfEnvironment(env)
  if (source === "GitHub Actions") {
    return "an owner must trust this repository for the organization of MAXCLOUD_ORGANIZATION: maxcloud auth oidc add --github OWNER/REPO"
  }
  if (source !== undefined)
    return `${source} is sent before all else: put it right, or unset it and \`maxcloud auth login\``
  if (env["GITHUB_ACTIONS"] === "true") {
    return "set MAXCLOUD_API_KEY, or MAXCLOUD_ORGANIZATION with `permissions: id-token: write`"
  }
  return "`maxcloud auth login` (`maxcloud auth logout` forgets what is kept of this server)"
}

/** The fix if the server only accepts the user who started it: there is no account to sign in to. */
export const localModeFix =
  "run this as the user who started the server, or set MAXCLOUD_API_KEY to the server's token, the content of `local-token` in its data folder"
