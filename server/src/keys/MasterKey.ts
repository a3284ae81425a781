import { Context, Data, type Effect } from "effect"

/** The master key, or what holds it, cannot be used. Holds nothing of a key. */
export class MasterKeyError extends Data.TaggedError("MasterKeyError")<{
  readonly reason: "missing" | "wrong" | "unreachable"
  readonly message: string
  readonly cause?: unknown
}> {}

/**
 * Wraps data keys (32 bytes each), and never seals a value itself. `context` is bound to what is wrapped: elsewhere it does not open.
 * Adapters: a file of the data folder, the environment, the transit engine of Vault or OpenBao.
 */
export class MasterKey extends Context.Tag("@maxcloud/server/MasterKey")<
  MasterKey,
  {
    /** Names the key (and its version) that `wrap` uses now, without giving anything of it away. */
    readonly id: string
    readonly wrap: (key: Uint8Array, context: string) => Effect.Effect<Uint8Array, MasterKeyError>
    /** `keyId` is the `id` at the time of wrapping: the present one, or a former one that is still at hand. */
    readonly unwrap: (keyId: string, wrapped: Uint8Array, context: string) => Effect.Effect<Uint8Array, MasterKeyError>
  }
>() {}
