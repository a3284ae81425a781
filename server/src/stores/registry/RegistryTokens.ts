import { randomUUID } from "node:crypto"
import { Clock, Context, Duration, Effect, Layer, Redacted } from "effect"
import { SignJWT } from "jose"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { type Access, grantScopes } from "./grantScopes.ts"
import { registryCertificate } from "./registryCertificate.ts"
import { type RegistryJwk, type RegistryKey, registryKeyOf } from "./registryKey.ts"

export interface RegistryTokensOptions {
  /** The registry's host, with its port. Undefined: the operator has set none. */
  readonly registry: string | undefined
  readonly expiry: Duration.Duration
  /** The secret of the key that signs. Undefined: the server's own key. */
  readonly secret: Redacted.Redacted | undefined
  /** Secrets of keys that only the registry gets: the next one, or the former one. */
  readonly otherSecrets: ReadonlyArray<Redacted.Redacted>
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
    /** The key that signs, then the others. */
    readonly keys: Effect.Effect<ReadonlyArray<PublishedKey>, MasterKeyError>
  }
>() {}

const keyOf = (secret: Redacted.Redacted): RegistryKey => registryKeyOf(Buffer.from(Redacted.value(secret), "utf8"))

const published = (key: RegistryKey): PublishedKey => ({
  id: key.id,
  jwk: key.jwk,
  certificate: registryCertificate(key)
})

/** No name or address: the registry's log contains it. */
const subjectOf = ({ credential, organization }: Caller) =>
  credential.type === "local" ? organization.id : credential.id

export const layer = ({ expiry, otherSecrets, registry, secret }: RegistryTokensOptions) =>
  Layer.effect(
    RegistryTokens,
    Effect.gen(function* () {
      const dataKeys = yield* DataKeys
      const signing: Effect.Effect<RegistryKey, MasterKeyError> =
        secret === undefined
          ? yield* Effect.cachedWithTTL(Effect.map(dataKeys.registrySeed, registryKeyOf), Duration.minutes(5))
          : Effect.succeed(keyOf(secret))
      const others = otherSecrets.map(keyOf).map(published)
      const service = registry ?? defaultRegistry
      const expiresIn = Math.floor(Duration.toSeconds(expiry))
      return {
        service,
        configured: registry,
        issue: Effect.fn("RegistryTokens.issue")(function* (caller: Caller, scopes: ReadonlyArray<string>) {
          const key = yield* signing
          const access = grantScopes(caller, scopes)
          const issuedAt = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
          const signed = new SignJWT({ access })
            .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: key.id })
            .setIssuer(registryIssuer)
            .setSubject(subjectOf(caller))
            .setAudience(service)
            .setIssuedAt(issuedAt)
            .setNotBefore(issuedAt)
            .setExpirationTime(issuedAt + expiresIn)
            .setJti(randomUUID())
            .sign(key.privateKey)
          return { token: yield* Effect.promise(() => signed), access, issuedAt, expiresIn }
        }),
        keys: Effect.map(signing, (key) => {
          const first = published(key)
          return [first, ...others.filter(({ id }) => id !== first.id)]
        })
      }
    })
  )
