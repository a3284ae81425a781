import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto"

/** Prefix of an Ed25519 key in PKCS #8 (RFC 8410, section 7), before its 32 bytes. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

const privateKeyOf = (seed: Uint8Array) =>
  createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: "der", type: "pkcs8" })

/** SPKI in PEM. */
export const publicKeyOf = (seed: Uint8Array): string =>
  createPublicKey(privateKeyOf(seed)).export({ format: "pem", type: "spki" }).toString()

/** The Ed25519 key (RFC 8032) of a seed of 32 bytes. */
export const signingKeyOf = (seed: Uint8Array) => {
  const key = privateKeyOf(seed)
  const publicKey = createPublicKey(key)
  return {
    publicKey: publicKeyOf(seed),
    sign: (bytes: Uint8Array): Uint8Array => sign(null, bytes, key),
    verify: (bytes: Uint8Array, signature: Uint8Array): boolean => verify(null, bytes, publicKey, signature)
  }
}
