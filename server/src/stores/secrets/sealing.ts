import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, type Redacted, Schema } from "effect"
import { DataKeys, type Place } from "../../base/keys/DataKeys.ts"
import { isOfDataKey, openBefore } from "./sealedBefore.ts"

const nonceLength = 12

/** A sealed value in a row: AES-256-GCM, with its tag at the end. */
export const SealedRow = Schema.Struct({
  key_id: Schema.String,
  nonce: Schema.Uint8ArrayFromSelf,
  sealed: Schema.Uint8ArrayFromSelf
})
export type SealedRow = typeof SealedRow.Type

/** Seals with the data key of the organization. */
export const seal = (organizationId: OrganizationId, place: Place, value: Redacted.Redacted) =>
  Effect.gen(function* () {
    const keys = yield* DataKeys
    const { bytes, keyId } = yield* keys.seal({ type: "organization", id: organizationId }, place, value)
    return { key_id: keyId, nonce: bytes.subarray(0, nonceLength), sealed: bytes.subarray(nonceLength) }
  })

/** None if the organization's key was erased. */
export const open = (dataDir: string, organizationId: OrganizationId, place: Place, row: SealedRow) =>
  Effect.gen(function* () {
    if (!isOfDataKey(row.key_id)) return Option.some(yield* openBefore(dataDir, place, row))
    const keys = yield* DataKeys
    const bytes = Buffer.concat([row.nonce, row.sealed])
    return yield* keys.open({ type: "organization", id: organizationId }, place, { keyId: row.key_id, bytes })
  })
