import { Context, Data, type Effect } from "effect"

/** The master key, or its store, is unusable. Contains nothing of a key. */
export class MasterKeyError extends Data.TaggedError("MasterKeyError")<{
  readonly reason: "missing" | "wrong" | "unreachable"
  readonly message: string
  readonly cause?: unknown
}> {}

export interface Wrapped {
  /** Identifies the master key (and its version) that wrapped the key, without revealing anything about it. */
  readonly masterKeyId: string
  readonly bytes: Uint8Array
}

/**
 * Wraps data keys (32 bytes each), and never seals a value itself. `context` is bound to the wrapped key, which doesn't
 * open with another one. Adapters: a file of the data folder or elsewhere, the environment, the transit engine of
 * OpenBao.
 */
export class MasterKey extends Context.Tag("@maxcloud/server/MasterKey")<
  MasterKey,
  {
    /** The present key's place, for messages: `the key in /var/lib/maxcloud/secret.key`. */
    readonly name: string
    /** Id of the key that `wrap` uses now. */
    readonly presentId: Effect.Effect<string, MasterKeyError>
    /** Is the key with this id available, as the present or a former one? */
    readonly holds: (masterKeyId: string) => boolean
    readonly wrap: (key: Uint8Array, context: string) => Effect.Effect<Wrapped, MasterKeyError>
    readonly unwrap: (wrapped: Wrapped, context: string) => Effect.Effect<Uint8Array, MasterKeyError>
  }
>() {}
