import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { SecretsError } from "./Secrets.ts"
import { type SecretKey, secretKey } from "./secretKey.ts"

const algorithm = "aes-256-gcm"
const tagLength = 16

/** A value as it is kept: AES-256-GCM, with its tag at the end. */
export const Sealed = Schema.Struct({ nonce: Schema.Uint8ArrayFromSelf, sealed: Schema.Uint8ArrayFromSelf })
export type Sealed = typeof Sealed.Type

/** Where a value belongs. What is sealed is bound to it: moved to another place it does not open. */
export type Place = ReadonlyArray<string | number>

const additional = (place: Place) => Buffer.from(JSON.stringify(place))

export const seal = (key: SecretKey, place: Place, value: string): Sealed => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv(algorithm, key.bytes, nonce).setAAD(additional(place))
  return { nonce, sealed: Buffer.concat([cipher.update(value, "utf8"), cipher.final(), cipher.getAuthTag()]) }
}

/** Throws where it was changed, moved, or sealed with another key. */
export const open = (key: SecretKey, place: Place, { nonce, sealed }: Sealed): string => {
  const decipher = createDecipheriv(algorithm, key.bytes, nonce, { authTagLength: tagLength }).setAAD(additional(place))
  decipher.setAuthTag(sealed.subarray(-tagLength))
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()]).toString("utf8")
}

/** The key in the data folder, which is the one that everything sealed in the database was sealed with, or new where nothing is. */
export const sealingKey = Effect.fn("Secrets.key")(function* (dataDir: string) {
  const sql = yield* SqlClient
  const keys = yield* sql<{ key_id: string }>`
    select key_id from secret_versions union select key_id from registry_credentials`.pipe(
    Effect.mapError(
      (cause) =>
        new SecretsError({
          message: "The secrets cannot be reached at the moment: the database does not answer.",
          cause
        })
    )
  )
  const key = yield* Effect.try({
    try: () => secretKey(dataDir, keys.length === 0),
    catch: (cause) =>
      cause instanceof SecretsError ? cause : new SecretsError({ message: "The key cannot be read.", cause })
  })
  if (keys.some((_) => _.key_id !== key.id)) {
    return yield* new SecretsError({
      message: `The key in ${dataDir}/secret.key is not the one that the secrets in the database were sealed with. Restore that one.`
    })
  }
  return key
})
