import { createHash } from "node:crypto"
import type { Reach } from "@maxcloud/config-schema"
import { decodeUtf8, retryAfterMs } from "@maxcloud/config-schema/plain"
import { parseChallenge } from "@maxcloud/oci"
import { Effect, Option, Redacted, Schema } from "effect"
import type { ProxiedOptions } from "../../../base/outbound/proxiedConnections.ts"
import { apiHostOf, type ImageName, listsRegistry } from "../../../base/words/imageName.ts"
import { type ImageProblem, imageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import type { Answer, Exchange, Question } from "./exchange.ts"
import { Remembered } from "./Remembered.ts"
import { makeRegistryPauses } from "./registryPauses.ts"

/** The maximum pause that a registry can request. */
const longestPauseMs = 3_600_000

export interface Credentials {
  readonly username: string
  readonly password: Redacted.Redacted
  /** A token for pulling from a repository, if this server issues them: then the registry's token server isn't asked. */
  readonly tokenFor?: (repository: string) => Effect.Effect<string, ImagesError>
}

/** An image's repository, as seen by a caller. */
export interface RegistrySession {
  readonly image: ImageName
  readonly credentials: Option.Option<Credentials>
  /** Identifies the holder of these credentials without revealing them. Caches are separated by it. */
  readonly key: string
  /** Like `key`, for the whole registry. */
  readonly registryKey: string
}

export const sessionOf = (image: ImageName, credentials: Option.Option<Credentials>): RegistrySession => {
  const who = Option.match(credentials, {
    onNone: () => "anyone",
    onSome: ({ password, username }) =>
      createHash("sha256")
        .update(JSON.stringify([username, Redacted.value(password)]))
        .digest("hex")
  })
  return {
    image,
    credentials,
    key: `${who} ${image.registry}/${image.repository}`,
    registryKey: `${who} ${image.registry}`
  }
}

export interface RegistryOptions extends Partial<ProxiedOptions> {
  /**
   * Registries contacted over plain HTTP, at any address but a metadata service's: `localhost:5000`; without a port, at
   * port 80.
   */
  readonly insecureRegistries: ReadonlyArray<string>
  /** Registries that may be at an address of a private network: `registry.corp:5000`; without a port, at port 443. */
  readonly privateRegistries: ReadonlyArray<string>
  /** Folders of registries' authorities. @default those of podman and docker */
  readonly certificateFolders?: ReadonlyArray<string>
}

/**
 * Decides which networks the server may reach for a URL: the operator's own only if the operator lists this host with
 * this port. Another port of the same machine isn't a registry.
 */
export const reachOf = ({ insecureRegistries, privateRegistries }: RegistryOptions) => {
  const insecure = new Set(insecureRegistries)
  const ofPrivateNetworks = new Set(privateRegistries)
  return ({ host, protocol }: URL): Reach =>
    (
      protocol === "http:"
        ? listsRegistry(insecure, host, 80)
        : listsRegistry(ofPrivateNetworks, host, 443) || listsRegistry(insecure, host, 443)
    )
      ? "private"
      : "public"
}

/** The URL of a registry. */
export const registryUrl = (registry: string, { insecureRegistries }: RegistryOptions) =>
  new URL(`${listsRegistry(new Set(insecureRegistries), registry, 80) ? "http" : "https"}://${apiHostOf(registry)}/v2/`)

const Token = Schema.parseJson(
  Schema.Struct({
    token: Schema.optional(Schema.NonEmptyString),
    access_token: Schema.optional(Schema.NonEmptyString),
    expires_in: Schema.optional(Schema.Number)
  })
)

export const basicOf = ({ password, username }: Credentials) =>
  `Basic ${Buffer.from(`${username}:${Redacted.value(password)}`).toString("base64")}`

const redirects = new Set([301, 302, 303, 307, 308])
const mostRedirects = 5
const tokenBytes = 64 * 1024

/** It's private or doesn't exist: a registry doesn't say which. */
export const unauthorized = ({ credentials, image: { registry, repository } }: RegistrySession) =>
  imageProblem(
    "ImageUnauthorized",
    Option.match(credentials, {
      onNone: () =>
        `${registry} doesn't show ${repository} without credentials: it's private or doesn't exist. If it's private, run \`maxcloud registries login ${registry}\`.`,
      onSome: ({ username }) =>
        `${registry} refuses ${repository} to the user "${username}": the password is no longer valid, or the user isn't allowed to pull it. Run \`maxcloud registries login ${registry}\` again.`
    })
  )

/** The registry, or its token server, rate-limits us. */
const limited = ({ image: { registry, repository } }: RegistrySession, retryAfterMs: number) =>
  new ImagesError({
    message: `RegistryUnreachable: ${registry} limits how often it is asked for ${repository} (HTTP 429). ${
      retryAfterMs === 0 ? "Try again later" : `It may be asked again in ${Math.ceil(retryAfterMs / 1000)} s`
    }; with \`maxcloud registries login ${registry}\` the limit is often higher.`,
    retryAfterMs
  })

/** The meaning of an answer that's neither a success nor "not found". */
export const refusal = (session: RegistrySession, { headers, status }: Answer): ImageProblem | ImagesError => {
  const { registry, repository } = session.image
  if (status === 401 || status === 403) return unauthorized(session)
  if (status === 429) return limited(session, retryAfterMs(headers, longestPauseMs) ?? 0)
  return status >= 500
    ? new ImagesError({
        message: `RegistryUnreachable: the registry ${registry} is failing right now (HTTP ${status}). Retry later.`
      })
    : imageProblem("ImageInvalid", `${registry} answers HTTP ${status} for ${repository}. Is it a container registry?`)
}

/** Sends requests only to permitted hosts, and gets the registries' tokens. */
export const makeRequests = (exchange: Exchange, options: RegistryOptions) => {
  const insecure = new Set(options.insecureRegistries)
  const reach = reachOf(options)

  /** Plain HTTP only for registries that the operator named: credentials travel here, and redirects may lead anywhere. */
  const checked = (url: URL): Effect.Effect<URL, ImageProblem> =>
    url.protocol === "https:" || (url.protocol === "http:" && listsRegistry(insecure, url.host, 80))
      ? Effect.succeed(url)
      : Effect.fail(
          imageProblem(
            "RegistryUnreachable",
            `the registry redirects to ${url.protocol}//${url.host}, but only HTTPS is followed. For plain HTTP the operator can set MAXCLOUD_INSECURE_REGISTRIES=${url.host}.`
          )
        )

  const parsed = (text: string, base?: URL) =>
    Effect.try({
      try: () => new URL(text, base),
      catch: () => imageProblem("ImageInvalid", "the registry redirects to something that isn't a URL.")
    }).pipe(Effect.flatMap(checked))

  /** The answer after redirects, which continue without `authorization` at another origin. */
  const follow = (question: Omit<Question, "reach">, left = mostRedirects): ReturnType<Exchange> =>
    exchange({ ...question, reach: reach(question.url) }).pipe(
      Effect.flatMap((answer) => {
        const { location } = answer.headers
        if (!redirects.has(answer.status) || location === undefined) return Effect.succeed(answer)
        if (left === 0) {
          return imageProblem("ImageInvalid", `${question.url.host} redirects more than ${mostRedirects} times.`)
        }
        return Effect.flatMap(parsed(location, question.url), (url) => {
          const { authorization, ...others } = question.headers
          const headers = url.origin !== question.url.origin || authorization === undefined ? others : question.headers
          return follow({ ...question, url, headers }, left - 1)
        })
      })
    )

  /**
   * The answer of a registry's own token server, to these credentials or to none. Without a scope it only identifies the
   * user.
   */
  const askForToken = Effect.fn("Registry.askForToken")(function* (
    credentials: Option.Option<Credentials>,
    { realm, service }: { readonly realm: string; readonly service: string | undefined },
    parameters: Readonly<Record<string, string>>
  ) {
    const url = yield* parsed(realm)
    if (service !== undefined) url.searchParams.set("service", service)
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const headers: Record<string, string> = Option.match(credentials, {
      onNone: () => ({}),
      onSome: (value) => ({ authorization: basicOf(value) })
    })
    const answer = yield* follow({ method: "GET", url, headers, maxBytes: tokenBytes })
    if (answer.status !== 200) return { answer }
    const decoded = decodeUtf8(answer.body)
    const { access_token, expires_in, token } = yield* Effect.mapError(
      Schema.decodeUnknown(Token)("text" in decoded ? decoded.text : ""),
      () => imageProblem("ImageInvalid", `the token server ${url.host} didn't return a token.`)
    )
    return { answer, token: token ?? access_token, seconds: expires_in ?? 60 }
  })

  return { follow, askForToken }
}

/** Asks registries (OCI distribution 1.1) with the authentication that they require: none, Basic, or a Bearer token. */
export const makeAsk = (exchange: Exchange, options: RegistryOptions) => {
  const { askForToken, follow } = makeRequests(exchange, options)
  const authorizations = new Remembered<string>(5000)
  const pauses = makeRegistryPauses()

  /** A token that only allows pulling this repository. */
  const tokenFor = Effect.fn("Registry.token")(function* (
    session: RegistrySession,
    challenge: { readonly realm: string; readonly service: string | undefined }
  ) {
    const issue = Option.flatMapNullable(session.credentials, ({ tokenFor }) => tokenFor)
    if (Option.isSome(issue)) {
      return { authorization: `Bearer ${yield* issue.value(session.image.repository)}`, seconds: 50 }
    }
    const scope = `repository:${session.image.repository}:pull`
    const { answer, seconds = 0, token } = yield* askForToken(session.credentials, challenge, { scope })
    if (answer.status !== 200) return yield* refusal(session, answer)
    if (token === undefined) return yield* unauthorized(session)
    return { authorization: `Bearer ${token}`, seconds: Math.min(seconds, 300) - 10 }
  })

  const authorize = Effect.fn("Registry.authorize")(function* (session: RegistrySession, header: string | undefined) {
    const challenge = parseChallenge(header ?? "")
    if (challenge === undefined) return yield* unauthorized(session)
    if (challenge.scheme === "basic" && Option.isNone(session.credentials)) return yield* unauthorized(session)
    const { authorization, seconds } =
      challenge.scheme === "bearer"
        ? yield* tokenFor(session, challenge)
        : { authorization: Option.getOrElse(Option.map(session.credentials, basicOf), () => ""), seconds: 300 }
    authorizations.set(session.key, authorization, seconds * 1000)
    return authorization
  })

  /** Returns any answer except 401. After a 401 it tries again with the credentials that the registry asks for. */
  return Effect.fn("Registry.ask")(function* (
    session: RegistrySession,
    question: {
      readonly method: "GET" | "HEAD"
      /** The path after the repository: `manifests/latest`. */
      readonly path: string
      readonly accept: string
      readonly maxBytes: number
      readonly into?: (chunk: Buffer) => Promise<void>
    }
  ) {
    const { registry, repository } = session.image
    const pausedMs = pauses.leftMs(session.registryKey)
    if (pausedMs > 0) return yield* limited(session, pausedMs)
    const url = new URL(`${repository}/${question.path}`, registryUrl(registry, options))
    const send = (authorization: string | undefined) =>
      follow({
        method: question.method,
        url,
        headers: { accept: question.accept, ...(authorization === undefined ? {} : { authorization }) },
        maxBytes: question.maxBytes,
        ...(question.into === undefined ? {} : { into: question.into })
      })
    const noted = (answer: Answer) => {
      if (answer.status === 429) pauses.pause(session.registryKey, retryAfterMs(answer.headers, longestPauseMs))
      return answer
    }
    const first = yield* send(authorizations.get(session.key))
    if (first.status !== 401) return noted(first)
    authorizations.delete(session.key)
    const authorization = yield* authorize(session, first.headers["www-authenticate"]).pipe(
      Effect.tapError((error) =>
        Effect.sync(() => {
          if (error instanceof ImagesError) pauses.pause(session.registryKey, error.retryAfterMs)
        })
      )
    )
    return noted(yield* send(authorization))
  })
}

export type Ask = ReturnType<typeof makeAsk>
