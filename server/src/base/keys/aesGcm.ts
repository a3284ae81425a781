import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto"

const algorithm = "aes-256-gcm"
const nonceLength = 12
const tagLength = 16

/** AES-256-GCM (NIST SP 800-38D): a random nonce of 12 bytes, the ciphertext, the tag of 16. `additional` is bound to it. */
export const encrypt = (key: Uint8Array, additional: string, plain: Uint8Array): Uint8Array => {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(additional))
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}

/** Throws if the value was changed, bound to something else, or encrypted with another key. */
export const decrypt = (key: Uint8Array, additional: string, bytes: Uint8Array): Buffer => {
  if (bytes.length < nonceLength + tagLength) throw new Error("too short to be encrypted")
  const nonce = bytes.subarray(0, nonceLength)
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(additional))
  decipher.setAuthTag(bytes.subarray(-tagLength))
  return Buffer.concat([decipher.update(bytes.subarray(nonceLength, -tagLength)), decipher.final()])
}
