import type { OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Context, type Effect, type Option, type Redacted } from "effect"
import type { MasterKeyError } from "./MasterKey.ts"

/** The owner of a data key: an organization, a person, or the server. */
export type KeyOwner =
  | { readonly type: "organization"; readonly id: OrganizationId }
  | { readonly type: "person"; readonly id: UserId }
  | { readonly type: "server" }

/** The place that a value is bound to (additional data). Moved elsewhere, it doesn't open. */
export type Place = ReadonlyArray<string | number>

/** AES-256-GCM: `bytes` are nonce (12), ciphertext, tag (16). */
export interface SealedValue {
  /** Id of the data key. */
  readonly keyId: string
  readonly bytes: Uint8Array
}

/** An Ed25519 key of the server. */
export interface SigningKey {
  readonly id: string
  /** SPKI in PEM. */
  readonly publicKey: string
  readonly sign: (bytes: Uint8Array) => Uint8Array
  /** Did this key sign it? */
  readonly verify: (bytes: Uint8Array, signature: Uint8Array) => boolean
}

/**
 * Envelope encryption: values are sealed with data keys, which are stored wrapped by the `MasterKey`, created at first
 * use, and cached unwrapped in memory for some minutes. Erasing an owner's keys makes everything sealed with them
 * unreadable (crypto-shredding). A failing database is a `MasterKeyError` of reason `unreachable`. Looks up keys under
 * its own row scope.
 */
export class DataKeys extends Context.Tag("@maxcloud/server/DataKeys")<
  DataKeys,
  {
    readonly seal: (
      owner: KeyOwner,
      place: Place,
      value: Redacted.Redacted
    ) => Effect.Effect<SealedValue, MasterKeyError>
    /** None if the key was erased. Reason `wrong` if the value was changed or moved. */
    readonly open: (
      owner: KeyOwner,
      place: Place,
      sealed: SealedValue
    ) => Effect.Effect<Option.Option<Redacted.Redacted>, MasterKeyError>
    /**
     * Erases all keys of the owner, in this server's memory too; other servers forget them within `cacheMs`. Joins the
     * caller's transaction, if any.
     */
    readonly erase: (owner: KeyOwner) => Effect.Effect<void, MasterKeyError>
    /** A new data key seals from now on (on other servers within `cacheMs`). Former ones still open their values. */
    readonly renew: (organizationId: OrganizationId) => Effect.Effect<void, MasterKeyError>
    /** Rewraps every data key that another master key has wrapped, and returns how many. Without downtime. */
    readonly rewrap: Effect.Effect<number, MasterKeyError>
    /** The key that signs checkpoints of the audit log, created at first use. */
    readonly signingKey: Effect.Effect<SigningKey, MasterKeyError>
    /**
     * The present or a former signing key. None if it isn't the server's: a key that the master key hasn't wrapped may
     * have been forged in the database.
     */
    readonly signingKeyOf: (keyId: string) => Effect.Effect<Option.Option<SigningKey>, MasterKeyError>
    /** The 32 random bytes from which the key of the registry's tokens is made, created at first use. */
    readonly registrySeed: Effect.Effect<Uint8Array, MasterKeyError>
  }
>() {}
