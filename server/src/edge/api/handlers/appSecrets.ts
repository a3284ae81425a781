import type { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import {
  type CopySecrets,
  CurrentOrganization,
  Forbidden,
  type ImportSecrets,
  NotFound,
  SecretList,
  type SecretValue,
  SecretVersionList,
  scopeOpens,
  Unavailable
} from "@maxcloud/sdk/api"
import { Effect, Either, Option } from "effect"
import { pageInMemory } from "../../../base/database/paging.ts"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { heldElsewhere } from "../../../stores/secrets/externalSecrets.ts"
import { Secrets, type SecretsError } from "../../../stores/secrets/Secrets.ts"
import { answerPage } from "./answerPage.ts"
import { currentCaller } from "./callerOf.ts"

interface Stage {
  readonly app: AppName
  readonly stage: StageName
}

/** The gate checked the app and stage in the path. The source of a copy is a different one. */
const mayCopyFrom = ({ app, stage }: Stage) =>
  Effect.flatMap(currentCaller, ({ scopes }) =>
    scopes?.some((scope) => scopeOpens(scope, "deploy", app, stage)) === false
      ? new Forbidden({
          detail: `This credential is limited to ${scopes.join(", ")}, which doesn't include deploy:${app}/${stage}`
        })
      : Effect.void
  )

const noneCopied = ({ app, stage }: Stage, [name = "", ...more]: ReadonlyArray<SecretName | "">) =>
  new NotFound({
    resource: "secret",
    resourceName: name,
    detail: `App "${app}" has no ${more.length === 0 ? "secret" : "secrets"} ${[name, ...more].map((each) => `"${each}"`).join(", ")} in stage "${stage}". Nothing was copied.`
  })

/** The API's view of the secrets of the caller's organization. */
export const appSecrets = Effect.gen(function* () {
  const secrets = yield* Secrets
  const { externalSecrets } = yield* Platform

  const keptHere = (stage: Stage, names: ReadonlyArray<SecretName>) =>
    Effect.flatMap(CurrentOrganization, ({ name }) =>
      externalSecrets === undefined
        ? Effect.void
        : Effect.fail(heldElsewhere(externalSecrets, { organization: name, ...stage }, names))
    )
  const scopeOf = (stage: Stage) => Effect.map(CurrentOrganization, ({ id }) => ({ organizationId: id, ...stage }))

  return {
    page: (stage: Stage, asked: typeof SecretList.parameters.Type) =>
      Effect.flatMap(scopeOf(stage), (scope) =>
        answerPage(
          SecretList,
          Effect.catchTag(secrets.page(scope, SecretList.pagingOf(asked)), "SecretsError", unavailable)
        )
      ),
    set: (stage: Stage, name: SecretName, { value }: SecretValue) =>
      Effect.gen(function* () {
        yield* keptHere(stage, [name])
        return yield* Effect.mapError(secrets.set(yield* scopeOf(stage), name, value), unavailable)
      }),
    importAll: (stage: Stage, given: typeof ImportSecrets.Type) =>
      Effect.gen(function* () {
        yield* keptHere(
          stage,
          given.secrets.map((secret) => secret.name)
        )
        const set = yield* Effect.mapError(secrets.importAll(yield* scopeOf(stage), given.secrets), unavailable)
        return set
      }),
    copy: (stage: Stage, { from, names }: typeof CopySecrets.Type) =>
      Effect.gen(function* () {
        yield* mayCopyFrom(from)
        yield* keptHere(stage, names)
        const copied = yield* Effect.mapError(
          secrets.copy(yield* scopeOf(from), yield* scopeOf(stage), names),
          unavailable
        )
        if (Either.isRight(copied)) return copied.right
        return yield* noneCopied(from, copied.left)
      }),
    versions: (stage: Stage, name: SecretName, asked: typeof SecretVersionList.parameters.Type) =>
      Effect.gen(function* () {
        const versions = yield* Effect.mapError(secrets.versions(yield* scopeOf(stage), name), unavailable)
        if (versions.length === 0) return yield* noSecret(stage, name)
        const page = pageInMemory(SecretVersionList, SecretVersionList.pagingOf(asked), versions, ({ version }) => [
          String(version).padStart(10, "0")
        ])
        return yield* answerPage(SecretVersionList, page)
      }),
    rollback: (stage: Stage, name: SecretName, version: number) =>
      Effect.gen(function* () {
        yield* keptHere(stage, [name])
        const info = yield* Effect.mapError(secrets.rollback(yield* scopeOf(stage), name, version), unavailable)
        if (Option.isSome(info)) return info.value
        return yield* new NotFound({
          resource: "secret",
          resourceName: name,
          detail: `App "${stage.app}" has no version ${version} of the secret "${name}" in stage "${stage.stage}". Run \`maxcloud secrets versions ${name}\` to list the stored versions.`
        })
      }),
    unset: (stage: Stage, name: SecretName) =>
      Effect.gen(function* () {
        const was = yield* Effect.mapError(secrets.unset(yield* scopeOf(stage), name), unavailable)
        if (!was) return yield* noSecret(stage, name)
      })
  }
})

const unavailable = ({ message }: SecretsError) => new Unavailable({ detail: message, retryAfterSeconds: 5 })

const noSecret = ({ app, stage }: { readonly app: string; readonly stage: string }, name: string) =>
  new NotFound({
    resource: "secret",
    resourceName: name,
    detail: `App "${app}" has no secret "${name}" in stage "${stage}"`
  })
