import { Effect, Redacted } from "effect"
import { decrypt } from "../../base/keys/aesGcm.ts"
import type { Place } from "../../base/keys/DataKeys.ts"
import { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { existingDataFolderKey } from "../../base/keys/masterKeyFile.ts"
import type { SealedRow } from "./sealing.ts"

/** Was it sealed with a data key? The first versions sealed with the key of the data folder itself. */
export const isOfDataKey = (keyId: string) => keyId.startsWith("dk_")

/** Opens what was sealed with the key of the data folder. */
export const openBefore = (dataDir: string, place: Place, { key_id, nonce, sealed }: SealedRow) =>
  Effect.gen(function* () {
    const key = yield* existingDataFolderKey(dataDir)
    if (key?.id !== key_id) {
      return yield* new MasterKeyError({
        reason: "missing",
        message:
          "It was sealed by a server with another key. Give all servers of this database the same secret.key in their data folders, and restart them."
      })
    }
    return yield* Effect.try({
      try: () =>
        Redacted.make(decrypt(key.bytes, JSON.stringify(place), Buffer.concat([nonce, sealed])).toString("utf8")),
      catch: () => new MasterKeyError({ reason: "wrong", message: "It was changed in the database." })
    })
  })
