import { randomUUID } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Clock, Context, Duration, Effect, Layer, type Redacted, Schema } from "effect"
import { SignJWT } from "jose"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { cachedFor } from "../../base/node/monotonic.ts"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { type Access, grantPull, grantScopes } from "./grantScopes.ts"
import { organizationOfPull, periodAt, pullPasswordOf } from "./pullPasswords.ts"
import { registryCertificate } from "./registryCertificate.ts"
import { type RegistryJwk, type RegistryKey, registryKeyOf, registryKeyOfText } from "./registryKey.ts"

export interface RegistryTokensOptions {
  /** The registry's host, with its port. Undefined: the operator has set none. */
  readonly registry: string | undefined
  readonly expiry: Duration.Duration
  /** The secret of the key that signs. Undefined: the server's own key. */
  readonly secret: Redacted.Redacted | undefined
  /** Secrets of keys that only the registry gets: the next one, or the former one. */
  readonly otherSecrets: ReadonlyArray<Redacted.Redacted>
  /** How often the passwords that nodes pull with are replaced. */
  readonly pullRotation: Duration.Duration
}

export interface RegistryToken {
  readonly token: string
  readonly access: ReadonlyArray<Access>
  /** Epoch seconds. */
  readonly issuedAt: number
  readonly expiresIn: number
}

/** A public key for the registry's configuration. */
export interface PublishedKey {
  readonly id: string
  readonly jwk: RegistryJwk
  /** In PEM. */
  readonly certificate: string
}

/** The registry of the hosted platform. */
const defaultRegistry = "registry.maxcloud.dev"

/** The issuer that the registry's configuration names (`auth.token.issuer`). */
export const registryIssuer = "maxcloud"

/**
 * Tokens for the registry (CNCF Distribution, "Token Authentication Specification"): ES256, signed by a key that the
 * registry's configuration contains.
 */
export class RegistryTokens extends Context.Tag("@maxcloud/server/RegistryTokens")<
  RegistryTokens,
  {
    /** The tokens' audience. */
    readonly service: string
    /** The registry that the operator has set. */
    readonly configured: string | undefined
    /** A token with everything that the caller may do of `scopes`; perhaps nothing. */
    readonly issue: (caller: Caller, scopes: ReadonlyArray<string>) => Effect.Effect<RegistryToken, MasterKeyError>
    /** A token with which the server itself pulls from one of the organization's repositories: `ORGANIZATION_ID/APP`. */
    readonly issueForPull: (organizationId: OrganizationId, repository: string) => Effect.Effect<string, MasterKeyError>
    /** The password that nodes pull an organization's images with, for now. */
    readonly pullPassword: (organizationId: OrganizationId) => Effect.Effect<Redacted.Redacted, MasterKeyError>
    /** The caller behind such a password, who can only pull. Undefined: it isn't one, or no longer valid. */
    readonly callerOfPull: (password: Redacted.Redacted) => Effect.Effect<Caller | undefined, MasterKeyError | SqlError>
    /** The key that signs, then the others. */
    readonly keys: Effect.Effect<ReadonlyArray<PublishedKey>, MasterKeyError>
  }
>() {}

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName }))
)

const published = (key: RegistryKey): PublishedKey => ({
  id: key.id,
  jwk: key.jwk,
  certificate: registryCertificate(key)
})

/** No name or address: the registry's log contains it. */
const subjectOf = ({ credential, organization }: Caller) =>
  credential.type === "local" ? organization.id : credential.id

export const layer = ({ expiry, otherSecrets, pullRotation, registry, secret }: RegistryTokensOptions) =>
  Layer.effect(
    RegistryTokens,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const dataKeys = yield* DataKeys
      const signing: Effect.Effect<RegistryKey, MasterKeyError> =
        secret === undefined
          ? yield* cachedFor(Effect.map(dataKeys.registrySeed, registryKeyOf), "5 minutes")
          : Effect.succeed(registryKeyOfText(secret))
      const otherKeys = otherSecrets.map(registryKeyOfText)
      const others = otherKeys.map(published)
      const period = Effect.map(Clock.currentTimeMillis, (now) => periodAt(now, Duration.toMillis(pullRotation)))
      const service = registry ?? defaultRegistry
      const expiresIn = Math.floor(Duration.toSeconds(expiry))
      const sign = (subject: string, access: ReadonlyArray<Access>) =>
        Effect.gen(function* () {
          const key = yield* signing
          const issuedAt = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
          const signed = new SignJWT({ access })
            .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: key.id })
            .setIssuer(registryIssuer)
            .setSubject(subject)
            .setAudience(service)
            .setIssuedAt(issuedAt)
            .setNotBefore(issuedAt)
            .setExpirationTime(issuedAt + expiresIn)
            .setJti(randomUUID())
            .sign(key.privateKey)
          return { token: yield* Effect.promise(() => signed), access, issuedAt, expiresIn } satisfies RegistryToken
        })
      return {
        service,
        configured: registry,
        issue: Effect.fn("RegistryTokens.issue")((caller: Caller, scopes: ReadonlyArray<string>) =>
          sign(subjectOf(caller), grantScopes(caller, scopes))
        ),
        issueForPull: Effect.fn("RegistryTokens.issueForPull")((organizationId: OrganizationId, repository: string) =>
          Effect.map(sign(organizationId, grantPull(organizationId, repository)), ({ token }) => token)
        ),
        pullPassword: (organizationId: OrganizationId) =>
          Effect.zipWith(signing, period, ({ pullSecret }, now) => pullPasswordOf(pullSecret, organizationId, now)),
        callerOfPull: Effect.fn("RegistryTokens.callerOfPull")(function* (password: Redacted.Redacted) {
          const secrets = [yield* signing, ...otherKeys].map((key) => key.pullSecret)
          const id = organizationOfPull(secrets, password, yield* period)
          if (id === undefined) return undefined
          // The password of an erased organization can be derived like any other.
          const [organization] = decodeOrganizations(yield* sql`select id, name from organizations where id = ${id}`)
          if (organization === undefined) return undefined
          return {
            organization,
            roles: ["viewer"],
            scopes: undefined,
            credential: { type: "pull", id },
            person: undefined
          } satisfies Caller
        }),
        keys: Effect.map(signing, (key) => {
          const first = published(key)
          return [first, ...others.filter(({ id }) => id !== first.id)]
        })
      }
    })
  )
