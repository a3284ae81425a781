import { parseChallenge } from "@maxcloud/oci"
import { Context, Duration, Effect, Layer, Option } from "effect"
import { canonicalHost, namesRegistry } from "../../../base/words/imageName.ts"
import { ImageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { makeExchange } from "../registry/exchange.ts"
import {
  basicOf,
  type Credentials,
  makeRequests,
  type RegistryOptions,
  registryUrl
} from "../registry/RegistrySession.ts"

/**
 * Checks whether a registry accepts credentials, before they're stored. Problems include the fix; nothing quotes a
 * password.
 */
export class RegistryLogins extends Context.Tag("@maxcloud/server/RegistryLogins")<
  RegistryLogins,
  { readonly check: (host: string, credentials: Credentials) => Effect.Effect<void, ImageProblem | ImagesError> }
>() {}

export interface RegistryLoginsOptions extends RegistryOptions {
  /** Registries that are never asked: their credentials are stored unchecked. */
  readonly unresolvedRegistries: ReadonlyArray<string>
}

const answerBytes = 64 * 1024
const timeLimit = Duration.seconds(20)

const problem = (message: string) => new ImageProblem({ message })

const refused = (host: string, { username }: Credentials) =>
  problem(
    `${host} denied the user "${username}": the username or the password is wrong, or expired. Nothing was stored. Test them with \`docker login ${host}\`.`
  )

const unexpected = (host: string, status: number) =>
  status === 429 || status >= 500
    ? new ImagesError({
        message: `${host} can't check the credentials right now (HTTP ${status}). Nothing was stored.`
      })
    : problem(
        `${host} returned HTTP ${status} for /v2/, so it isn't a container registry. Check the host. Nothing was stored.`
      )

/** A diagnosis code at the beginning is only for deployments. */
const plain = (message: string) => message.replace(/^[A-Z]\w+: /, "")

/**
 * Like `docker login`: `GET /v2/` says how to sign in (OCI distribution, "Determining Support"; distribution's token
 * authentication), then the credentials get a token, and `/v2/` is asked again with it. A registry without sign-in
 * accepts any credentials.
 */
export const layer = (options: RegistryLoginsOptions) =>
  Layer.scoped(
    RegistryLogins,
    Effect.gen(function* () {
      const { askForToken, follow } = makeRequests(yield* makeExchange(options), options)
      const skipped = new Set(options.unresolvedRegistries)

      const check = Effect.fn("RegistryLogins.check")(
        function* (written: string, credentials: Credentials) {
          const host = canonicalHost(written)
          if (namesRegistry(skipped, host)) return
          const ask = (headers: Readonly<Record<string, string>>) =>
            follow({ method: "GET", url: registryUrl(host, options), headers, maxBytes: answerBytes })
          const first = yield* ask({})
          if (first.status === 200) return
          if (first.status !== 401) return yield* unexpected(host, first.status)
          const challenge = parseChallenge(first.headers["www-authenticate"] ?? "")
          if (challenge === undefined) {
            return yield* problem(`${host} doesn't say how to sign in. Is it a container registry? Nothing was stored.`)
          }
          let authorization = basicOf(credentials)
          if (challenge.scheme === "bearer") {
            const { answer, token } = yield* askForToken(Option.some(credentials), challenge, {
              account: credentials.username
            })
            // Token servers of several registries answer wrong credentials with 400 or 403.
            if ([400, 401, 403].includes(answer.status)) return yield* refused(host, credentials)
            if (answer.status !== 200) return yield* unexpected(host, answer.status)
            if (token === undefined) return yield* refused(host, credentials)
            authorization = `Bearer ${token}`
          }
          const second = yield* ask({ authorization })
          if (second.status === 200) return
          return yield* second.status === 401 || second.status === 403
            ? refused(host, credentials)
            : unexpected(host, second.status)
        },
        Effect.mapError((error) => {
          const message = plain(error.message)
          return error instanceof ImageProblem ? problem(message) : new ImagesError({ message })
        }),
        (effect, host) =>
          Effect.timeoutFail(effect, {
            duration: timeLimit,
            onTimeout: () =>
              new ImagesError({
                message: `${host} hasn't checked the credentials within ${Duration.toSeconds(timeLimit)} s. Nothing was stored.`
              })
          })
      )

      return { check }
    })
  )

/** A fake for tests unrelated to registries: every registry accepts every credential. */
export const layerNone = Layer.succeed(RegistryLogins, { check: () => Effect.void })
