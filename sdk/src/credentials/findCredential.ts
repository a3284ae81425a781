import { Effect, Redacted, Schema } from "effect"
import { CredentialUnavailable } from "../errors.ts"
import { never, run } from "../promises.ts"
import { isSafeForTokens } from "../transport/serverUrl.ts"
import { credentialsPath, type Environment, normalUrl, readCredentials, type Warn } from "./credentialsFile.ts"

/** The origin of a credential. */
export type CredentialSource = "MAXCLOUD_API_KEY" | "MAXCLOUD_ID_TOKEN" | "GitHub Actions" | "credentials file"

export interface FoundCredential {
  readonly token: Redacted.Redacted<string>
  readonly source: CredentialSource
  /** The token for a later request, if it may have expired since. */
  readonly renewed?: () => Promise<string>
}

const given = (env: Environment, name: string): string | undefined => {
  const written = env[name]?.trim()
  return written === "" ? undefined : written
}

/** The source of a credential that takes precedence over the credentials file; undefined if there is none. */
export const sourceOfEnvironment = (env: Environment): Exclude<CredentialSource, "credentials file"> | undefined => {
  if (given(env, "MAXCLOUD_API_KEY") !== undefined) return "MAXCLOUD_API_KEY"
  if (given(env, "MAXCLOUD_ID_TOKEN") !== undefined) return "MAXCLOUD_ID_TOKEN"
  return given(env, "ACTIONS_ID_TOKEN_REQUEST_URL") !== undefined && given(env, "MAXCLOUD_ORGANIZATION") !== undefined
    ? "GitHub Actions"
    : undefined
}

const IdToken = Schema.Struct({ value: Schema.NonEmptyString })
const decodeIdToken = Schema.decodeUnknownEither(IdToken)

const noIdToken = (detail: string, passing: boolean) =>
  new CredentialUnavailable({
    source: "GitHub Actions",
    passing,
    detail: `GitHub Actions provides no ID token: ${detail}`,
    fix: passing ? "retry" : "give the job `permissions: id-token: write`"
  })

/** An ID token of the running job for the organization (GitHub: "OpenID Connect reference", requesting the token with the request URL). */
const githubToken = (env: Environment): Effect.Effect<Redacted.Redacted<string>, CredentialUnavailable> =>
  Effect.gen(function* () {
    const written = given(env, "ACTIONS_ID_TOKEN_REQUEST_URL") ?? ""
    const requestToken = given(env, "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    if (!URL.canParse(written)) return yield* noIdToken("ACTIONS_ID_TOKEN_REQUEST_URL isn't a URL", false)
    if (requestToken === undefined) return yield* noIdToken("ACTIONS_ID_TOKEN_REQUEST_TOKEN isn't set", false)
    if (!isSafeForTokens(written)) return yield* noIdToken("ACTIONS_ID_TOKEN_REQUEST_URL isn't encrypted", false)
    const url = new URL(written)
    url.searchParams.set("audience", `maxcloud/${given(env, "MAXCLOUD_ORGANIZATION")}`)
    const { ProxyFailed, proxiedFetch } = yield* Effect.promise(() => import("../proxy/index.ts"))
    const fetch = proxiedFetch(env)
    const response = yield* Effect.tryPromise({
      try: (signal) => fetch(url, { headers: { authorization: `Bearer ${requestToken}` }, redirect: "error", signal }),
      catch: (cause) => noIdToken(cause instanceof ProxyFailed ? cause.problem : `${url.host} can't be reached`, true)
    }).pipe(
      Effect.timeoutFail({ duration: "30 seconds", onTimeout: () => noIdToken(`${url.host} doesn't respond`, true) })
    )
    if (!response.ok) {
      return yield* noIdToken(`status ${response.status}`, response.status >= 500 || response.status === 429)
    }
    const body: unknown = yield* Effect.tryPromise({
      try: () => response.json(),
      catch: () => noIdToken("its response can't be read", true)
    })
    const decoded = decodeIdToken(body)
    return decoded._tag === "Right"
      ? Redacted.make(decoded.right.value)
      : yield* noIdToken("its response has no token", false)
  })

const renewBeforeMs = 60_000

/** When a JWT expires, in milliseconds; 0 if it doesn't say. */
const endOf = (jwt: string): number => {
  try {
    const { exp } = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8"))
    return typeof exp === "number" ? exp * 1000 : 0
  } catch {
    return 0
  }
}

/** GitHub's ID tokens expire after minutes, and a deployment may take longer. */
const renewing = (env: Environment, first: Redacted.Redacted<string>): (() => Promise<string>) => {
  let token = Redacted.value(first)
  return async () => {
    const end = endOf(token)
    if (end !== 0 && Date.now() > end - renewBeforeMs) {
      token = Redacted.value(await run(githubToken(env), never))
    }
    return token
  }
}

/**
 * The credential for a server: `MAXCLOUD_API_KEY`, else `MAXCLOUD_ID_TOKEN` (an OIDC token), else an ID token of the GitHub Actions job if it
 * has `MAXCLOUD_ORGANIZATION`, else the stored one for the server; undefined if there is none.
 */
export const findCredential = (
  apiUrl: string,
  env: Environment,
  warn: Warn
): Effect.Effect<FoundCredential | undefined, CredentialUnavailable> =>
  Effect.gen(function* () {
    const source = sourceOfEnvironment(env)
    if (source === undefined) {
      const { servers } = yield* readCredentials(credentialsPath(env), warn)
      const kept = servers[normalUrl(apiUrl)]
      return kept === undefined ? undefined : { token: kept.token, source: "credentials file" as const }
    }
    if (source !== "GitHub Actions") return { token: Redacted.make(given(env, source) ?? ""), source }
    const token = yield* githubToken(env)
    return { token, source, renewed: renewing(env, token) }
  })
