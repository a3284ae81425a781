import { Effect } from "effect"
import type { Dispatcher } from "undici"
import { type OciError, ociError } from "../OciError.ts"
import { type Challenge, parseChallenge } from "./challenge.ts"
import { unexpected } from "./registryErrors.ts"
import { type Answer, type Question, sendOnce } from "./requests.ts"

export interface Grant {
  /** The value of `Authorization`. */
  readonly authorization: string
  readonly validForMs: number
}

/** Gets credentials for what a registry asks for. `scopes`: `repository:NAME:pull,push`. */
export type Authorize = (challenge: Challenge, scopes: ReadonlyArray<string>) => Effect.Effect<Grant, OciError>

export interface Registry {
  /** `registry.example.com`, `127.0.0.1:5000`. */
  readonly host: string
  readonly repository: string
  /** Repositories whose blobs may be mounted. */
  readonly mountable: ReadonlyArray<string>
  readonly authorize: Authorize
}

/** How long before its end a token is renewed, since the registry judges it by its own clock. */
const reserveMs = 20_000

const isThisMachine = (host: string) => /^(localhost|127(\.\d{1,3}){3})(:\d+)?$/.test(host)

/** Plain HTTP for registries of this machine alone, like docker. */
export const registryUrl = ({ host, repository }: Registry) =>
  new URL(`${isThisMachine(host) ? "http" : "https"}://${host}/v2/${repository}/`)

export interface RegistryClient {
  readonly host: string
  readonly base: URL
  readonly mountable: ReadonlyArray<string>
  /** Sends a request with the credentials that the registry asks for, and renews them when they expire. Every answer but 401. */
  readonly send: (question: Question, what: string) => Effect.Effect<Answer, OciError>
  /** A URL that the registry answers with, for the next request. */
  readonly follow: (location: string | undefined, from: URL) => Effect.Effect<URL, OciError>
}

export const makeRegistryClient = (dispatcher: Dispatcher, registry: Registry): Effect.Effect<RegistryClient> =>
  Effect.gen(function* () {
    const base = registryUrl(registry)
    const { host, mountable, repository } = registry
    const turn = yield* Effect.makeSemaphore(1)
    let challenge: Challenge | undefined
    let grant: { readonly authorization: string; readonly until: number } | undefined
    const scopes = [`repository:${repository}:pull,push`, ...mountable.map((each) => `repository:${each}:pull`)]

    const isFresh = () => grant !== undefined && grant.until > performance.now()

    /** Gets new credentials, unless another request has done so meanwhile. */
    const renew = (used: string | undefined) =>
      Effect.gen(function* () {
        if (challenge === undefined || (isFresh() && grant?.authorization !== used)) return
        const { authorization, validForMs } = yield* registry.authorize(challenge, scopes)
        // Half of a short life, so that a token is never used up to its last second.
        grant = {
          authorization,
          until: performance.now() + Math.max(validForMs - reserveMs, validForMs / 2)
        }
      }).pipe(turn.withPermits(1))

    const sendWith = (question: Question, authorization: string | undefined) =>
      sendOnce(dispatcher, {
        ...question,
        // Another host may serve the uploads. It gets no credentials of ours.
        headers:
          authorization === undefined || question.url.origin !== base.origin
            ? question.headers
            : { ...question.headers, authorization }
      })

    const send = (question: Question, what: string) =>
      Effect.gen(function* () {
        if (challenge !== undefined && !isFresh()) yield* renew(grant?.authorization)
        const used = grant?.authorization
        const first = yield* sendWith(question, used)
        if (first.status !== 401 || question.url.origin !== base.origin) return first
        const asked = parseChallenge(first.headers["www-authenticate"] ?? "")
        if (asked === undefined) return yield* unexpected(first, host, what)
        challenge = asked
        yield* renew(used)
        const second = yield* sendWith(question, grant?.authorization)
        return second.status === 401 ? yield* unexpected(second, host, what) : second
      })

    const follow = (location: string | undefined, from: URL) => {
      const url = location === undefined || !URL.canParse(location, from.href) ? undefined : new URL(location, from)
      if (url === undefined)
        return ociError(
          "registry",
          `the registry ${host} doesn't say where to upload to`,
          "is it a container registry?"
        )
      if (url.protocol !== from.protocol)
        return ociError(
          "registry",
          `the registry ${host} continues an upload at ${url.protocol}//${url.host} instead of ${from.protocol}//${from.host}`,
          "its operator must set its own URL (`http.host` in the configuration of CNCF Distribution)"
        )
      return Effect.succeed(url)
    }

    return { host, base, mountable, send, follow }
  })
