import { HttpApiBuilder } from "@effect/platform"
import {
  CurrentOrganization,
  MaxCloudApi,
  NotFound,
  type RegistryInfo,
  RegistryList,
  Unavailable
} from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { canonicalHost } from "../../../base/words/imageName.ts"
import {
  type CredentialsError,
  type RegistryCredentialInfo,
  RegistryCredentials
} from "../../../stores/images/credentials/RegistryCredentials.ts"
import { RegistryLogins } from "../../../stores/images/credentials/RegistryLogins.ts"
import { ImageProblem } from "../../../stores/images/ImageProblem.ts"
import type { ImagesError } from "../../../stores/images/Images.ts"
import { invalidRequest } from "../../http/problems.ts"
import { answerPage } from "./answerPage.ts"

export const registriesHandlers = HttpApiBuilder.group(MaxCloudApi, "registries", (handlers) =>
  Effect.gen(function* () {
    const credentials = yield* RegistryCredentials
    const logins = yield* RegistryLogins
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) =>
          answerPage(
            RegistryList,
            credentials.page(id, RegistryList.pagingOf(urlParams)).pipe(
              Effect.map(({ items, next }) => ({ items: items.map(told), next })),
              Effect.catchTag("CredentialsError", unavailable)
            )
          )
        )
      )
      .handle("login", ({ path, payload }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          if (credentials.own !== undefined && canonicalHost(path.host) === credentials.own) {
            return yield* invalidRequest(
              `${credentials.own} is the platform's own registry: your services pull their images from it without stored credentials. To push, run \`maxcloud registry login\`.`
            )
          }
          yield* Effect.mapError(logins.check(path.host, payload), (error) =>
            error instanceof ImageProblem ? invalidRequest(error.message) : unavailable(error)
          )
          const kept = credentials.set(id, path.host, payload.username, payload.password)
          return told(yield* Effect.mapError(kept, unavailable))
        })
      )
      .handle("logout", ({ path: { host } }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          if (yield* Effect.mapError(credentials.remove(id, host), unavailable)) return
          return yield* new NotFound({
            resource: "registry",
            resourceName: host,
            detail: `There are no credentials for the registry "${host}". Run \`maxcloud registries list\` to list the stored ones.`
          })
        })
      )
  })
)

const told = ({ host, updatedAt, username }: RegistryCredentialInfo): RegistryInfo => ({
  host,
  username,
  updatedAt: updatedAt.toISOString()
})

const unavailable = ({ message }: CredentialsError | ImagesError) =>
  new Unavailable({ detail: message, retryAfterSeconds: 5 })
