import type { InvalidRequest, OrganizationId, Page, RegistryList } from "@maxcloud/sdk/api"
import { Context, Data, type Effect, type Option, type Redacted } from "effect"
import type { Credentials } from "../registry/RegistrySession.ts"

export class CredentialsError extends Data.TaggedError("CredentialsError")<{ readonly message: string }> {}

/** The public part of a credential: never its password. */
export interface RegistryCredentialInfo {
  /** Host as images name it, with its port: `ghcr.io`, `registry.example.com:5000`. Docker Hub is `docker.io`. */
  readonly host: string
  readonly username: string
  readonly updatedAt: Date
}

/** An organization's credentials for registries, sealed at rest. They resolve tags, and pull in the cluster. */
export class RegistryCredentials extends Context.Tag("@maxcloud/server/RegistryCredentials")<
  RegistryCredentials,
  {
    /** The host of the platform's own registry, for which each organization has credentials of the server's. */
    readonly own?: string | undefined
    readonly set: (
      organizationId: OrganizationId,
      host: string,
      username: string,
      password: Redacted.Redacted
    ) => Effect.Effect<RegistryCredentialInfo, CredentialsError>
    /** By host. */
    readonly list: (
      organizationId: OrganizationId
    ) => Effect.Effect<ReadonlyArray<RegistryCredentialInfo>, CredentialsError>
    readonly page: (
      organizationId: OrganizationId,
      paging: ReturnType<typeof RegistryList.pagingOf>
    ) => Effect.Effect<Page<RegistryCredentialInfo>, InvalidRequest | CredentialsError>
    /** Returns whether there was one. */
    readonly remove: (organizationId: OrganizationId, host: string) => Effect.Effect<boolean, CredentialsError>
    /** Only for resolving and for the pull Secret. */
    readonly reveal: (
      organizationId: OrganizationId,
      host: string
    ) => Effect.Effect<Option.Option<Credentials>, CredentialsError>
  }
>() {}
