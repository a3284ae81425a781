import { Effect, Layer, Option } from "effect"
import { canonicalHost } from "../../base/words/imageName.ts"
import { CredentialsError, RegistryCredentials } from "../images/credentials/RegistryCredentials.ts"
import { ImagesError } from "../images/Images.ts"
import { RegistryTokens } from "./RegistryTokens.ts"

/** No registry looks at it. */
const username = "maxcloud"

/** Adds the server's own credentials for the platform's own registry to those that organizations have stored. */
export const layer = <E, R>(stored: Layer.Layer<RegistryCredentials, E, R>) =>
  Layer.effect(
    RegistryCredentials,
    Effect.gen(function* () {
      const credentials = yield* RegistryCredentials
      const tokens = yield* RegistryTokens
      if (tokens.configured === undefined) return credentials
      const own = canonicalHost(tokens.configured)
      const reveal: typeof credentials.reveal = (organizationId, host) =>
        canonicalHost(host) !== own
          ? credentials.reveal(organizationId, host)
          : tokens.pullPassword(organizationId).pipe(
              Effect.mapBoth({
                onFailure: ({ message }) => new CredentialsError({ message }),
                onSuccess: (password) =>
                  Option.some({
                    username,
                    password,
                    tokenFor: (repository: string) =>
                      Effect.mapError(
                        tokens.issueForPull(organizationId, repository),
                        ({ message }) => new ImagesError({ message })
                      )
                  })
              })
            )
      return { ...credentials, own, reveal }
    })
  ).pipe(Layer.provide(stored))
