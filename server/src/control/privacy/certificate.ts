import type { ErasureCertificate } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { DataKeys } from "../../base/keys/DataKeys.ts"

type Unsigned = Omit<ErasureCertificate, "signature">

/**
 * The bytes that are signed: the line `maxcloud/erasure/1`, then the certificate without its signature as JSON, with these
 * members in this order and no white space. The first line distinguishes it from other things signed with the key.
 */
export const signedBytes = ({ erasedAt, id, keyId, requestedAt, stores, subject }: Unsigned): Uint8Array =>
  Buffer.from(
    `maxcloud/erasure/1\n${JSON.stringify({
      id,
      subject: { type: subject.type, id: subject.id },
      requestedAt,
      erasedAt,
      stores: stores.map(({ action, count, store }) => ({ store, action, count })),
      keyId
    })}`,
    "utf8"
  )

/** Ed25519, in base64url without padding. */
export const signCertificate = (certificate: Omit<Unsigned, "keyId">) =>
  Effect.gen(function* () {
    const key = yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.signingKey)
    const unsigned = { ...certificate, keyId: key.id }
    const signature = Buffer.from(key.sign(signedBytes(unsigned))).toString("base64url")
    return { ...unsigned, signature } satisfies ErasureCertificate
  })
