import { createHash } from "node:crypto"
import { Effect } from "effect"
import { decrypt, encrypt } from "./aesGcm.ts"
import { type MasterKey, MasterKeyError } from "./MasterKey.ts"

/** A master key of 32 bytes in this server's memory. */
export interface HeldKey {
  readonly bytes: Uint8Array
  /** Distinguishes keys without revealing anything about them. */
  readonly id: string
  /** The key's place, for messages. */
  readonly name: string
}

export const heldKey = (name: string, bytes: Uint8Array): HeldKey => ({
  name,
  bytes,
  id: createHash("sha256").update("maxcloud key id").update(bytes).digest("hex").slice(0, 16)
})

/** Wraps with a key in memory. */
export const masterKeyOf = ({ bytes, id, name }: HeldKey): MasterKey["Type"] => ({
  name,
  presentId: Effect.succeed(id),
  holds: (value) => value === id,
  wrap: (key, context) => Effect.sync(() => ({ masterKeyId: id, bytes: encrypt(bytes, context, key) })),
  unwrap: (wrapped, context) =>
    Effect.try({
      try: () => decrypt(bytes, context, wrapped.bytes),
      catch: () => new MasterKeyError({ reason: "wrong", message: `A data key doesn't open with ${name}.` })
    })
})

/** Wraps with `present`; also unwraps with `former`. */
export const withFormer = (
  present: MasterKey["Type"],
  former: ReadonlyArray<MasterKey["Type"]>
): MasterKey["Type"] => ({
  ...present,
  holds: (id) => [present, ...former].some((each) => each.holds(id)),
  unwrap: (wrapped, context) => {
    const holder = [present, ...former].find((each) => each.holds(wrapped.masterKeyId))
    return holder === undefined
      ? Effect.fail(new MasterKeyError({ reason: "wrong", message: notTheOne(present.name) }))
      : holder.unwrap(wrapped, context)
  }
})

export const notTheOne = (name: string) =>
  `${name.replace(/^t/, "T")} isn't the one that sealed the secrets in the database. Restore that one, or name it in MAXCLOUD_MASTER_KEYS_FORMER.`
