import type { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import type { OrganizationId, SecretInfo } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Option, type Redacted } from "effect"

export interface SecretScope {
  readonly organizationId: OrganizationId
  readonly app: AppName
  readonly stage: StageName
}

/** The database or the key is away. Holds no value. */
export class SecretsError extends Data.TaggedError("SecretsError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/** Secrets of an app and stage: sealed at rest, versioned, given out only to a runtime. */
export class Secrets extends Context.Tag("@maxcloud/server/Secrets")<
  Secrets,
  {
    readonly set: (
      scope: SecretScope,
      name: SecretName,
      value: Redacted.Redacted
    ) => Effect.Effect<SecretInfo, SecretsError>
    /** The secrets that are set, by name. */
    readonly list: (scope: SecretScope) => Effect.Effect<ReadonlyArray<SecretInfo>, SecretsError>
    /** Returns whether there was one. Deployments that hold a version of it keep it until they are gone. */
    readonly unset: (scope: SecretScope, name: SecretName) => Effect.Effect<boolean, SecretsError>
    /** For runtimes only: the value of one version. */
    readonly reveal: (
      scope: SecretScope,
      name: SecretName,
      version: number
    ) => Effect.Effect<Option.Option<Redacted.Redacted>, SecretsError>
  }
>() {}
