import type { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import type { InvalidRequest, OrganizationId, Page, SecretInfo, SecretList, SecretVersionInfo } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Either, type Option, type Redacted } from "effect"

export interface SecretScope {
  readonly organizationId: OrganizationId
  readonly app: AppName
  readonly stage: StageName
}

/** The database or the key is unreachable. Contains no value. */
export class SecretsError extends Data.TaggedError("SecretsError")<{
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * Secrets of an app and stage: sealed at rest, versioned, revealed only to a runtime. `CurrentCaller`'s person sets
 * them, and each write has its entry in the audit log.
 */
export class Secrets extends Context.Tag("@maxcloud/server/Secrets")<
  Secrets,
  {
    readonly set: (
      scope: SecretScope,
      name: SecretName,
      value: Redacted.Redacted
    ) => Effect.Effect<SecretInfo, SecretsError>
    /** Sets all or none; of duplicate names the last one. By name. */
    readonly importAll: (
      scope: SecretScope,
      secrets: ReadonlyArray<{ readonly name: SecretName; readonly value: Redacted.Redacted }>
    ) => Effect.Effect<ReadonlyArray<SecretInfo>, SecretsError>
    /**
     * Copies the newest values of secrets of another app or stage here, all or none; by name. Left: the names that
     * aren't set there.
     */
    readonly copy: (
      from: SecretScope,
      to: SecretScope,
      names: ReadonlyArray<SecretName>
    ) => Effect.Effect<Either.Either<ReadonlyArray<SecretInfo>, ReadonlyArray<SecretName>>, SecretsError>
    /** The secrets that are set, by name. */
    readonly list: (scope: SecretScope) => Effect.Effect<ReadonlyArray<SecretInfo>, SecretsError>
    readonly page: (
      scope: SecretScope,
      paging: ReturnType<typeof SecretList.pagingOf>
    ) => Effect.Effect<Page<SecretInfo>, InvalidRequest | SecretsError>
    /** Returns whether there was one. Deployments that use a version of it keep it until they're gone. */
    readonly unset: (scope: SecretScope, name: SecretName) => Effect.Effect<boolean, SecretsError>
    /**
     * The stored versions, newest first: the last ten while the secret is set, and those that deployments use. Empty if
     * there's no such secret.
     */
    readonly versions: (
      scope: SecretScope,
      name: SecretName
    ) => Effect.Effect<ReadonlyArray<SecretVersionInfo>, SecretsError>
    /** Sets the value of a stored version, as a new version. None: it isn't stored. */
    readonly rollback: (
      scope: SecretScope,
      name: SecretName,
      version: number
    ) => Effect.Effect<Option.Option<SecretInfo>, SecretsError>
    /** Only for runtimes: the value of one version. */
    readonly reveal: (
      scope: SecretScope,
      name: SecretName,
      version: number
    ) => Effect.Effect<Option.Option<Redacted.Redacted>, SecretsError>
  }
>() {}
