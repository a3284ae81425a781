import { Schema } from "effect"
import { Time } from "./time.ts"

/** A scope such as `repository:org_…/shop:pull,push`, or several separated by spaces. */
const Scope = Schema.String.pipe(Schema.maxLength(10_000))

/**
 * The parameters of a registry's client (CNCF Distribution, "Token Authentication Specification"). Others are ignored, such
 * as `account` (the user name): the credential alone counts.
 */
export const RegistryTokenParameters = Schema.Struct({
  /** The registry's host, which the client has from the registry. If absent, the server's own registry. */
  service: Schema.optional(Schema.String.pipe(Schema.maxLength(300))),
  scope: Schema.optional(Schema.Union(Scope, Schema.Array(Scope).pipe(Schema.maxItems(50))))
})
export interface RegistryTokenParameters extends Schema.Schema.Type<typeof RegistryTokenParameters> {}

/** A token for the registry. `token` and `access_token` are the same: clients read either. */
export const RegistryToken = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  access_token: Schema.Redacted(Schema.String),
  /** Seconds. */
  expires_in: Schema.Int,
  issued_at: Time
}).annotations({ identifier: "RegistryToken" })
export interface RegistryToken extends Schema.Schema.Type<typeof RegistryToken> {}

/** The public keys of the registry's tokens as a JWK set (RFC 7517). */
export const RegistryKeys = Schema.Struct({
  keys: Schema.Array(
    Schema.Struct({
      /** `EC`. */
      kty: Schema.String,
      /** `P-256`. */
      crv: Schema.String,
      x: Schema.String,
      y: Schema.String,
      /** The key's id as the registry computes it (libtrust). */
      kid: Schema.String,
      /** `ES256`. */
      alg: Schema.String,
      /** `sig`: it signs. */
      use: Schema.String,
      /** The same key as a self-signed certificate in base64 (RFC 7517, 4.7). */
      x5c: Schema.Array(Schema.String)
    })
  )
}).annotations({ identifier: "RegistryKeys" })
export interface RegistryKeys extends Schema.Schema.Type<typeof RegistryKeys> {}
