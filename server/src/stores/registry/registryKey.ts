import { createECDH, createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from "node:crypto"
import { Option, Redacted, Schema } from "effect"

/** An ES256 key (RFC 7518, 3.4) that signs tokens for the registry. */
export interface RegistryKey {
  /** The key's id as CNCF Distribution computes it. Version 2 knows a certificate's key only by this id. */
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public key as a JWK (RFC 7517). */
  readonly jwk: RegistryJwk
  /** From the same secret: the passwords that nodes pull with are made from it. 256 bits in base64url. */
  readonly pullSecret: Redacted.Redacted
}

/** A public key of the registry's tokens as a JWK (RFC 7517). */
export const RegistryJwk = Schema.Struct({
  kty: Schema.Literal("EC"),
  crv: Schema.Literal("P-256"),
  x: Schema.String,
  y: Schema.String
})
export type RegistryJwk = typeof RegistryJwk.Type

const readJwk = Schema.decodeUnknownOption(RegistryJwk)

/** The order of the group of P-256 (FIPS 186-5, SP 800-186). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** A private key from 48 bytes: 128 more bits than the order, so that no key is likelier than another (FIPS 186-5, A.2.1). */
const scalarOf = (bytes: Uint8Array): Buffer => {
  const number = (BigInt(`0x${Buffer.from(bytes).toString("hex")}`) % (order - 1n)) + 1n
  return Buffer.from(number.toString(16).padStart(64, "0"), "hex")
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

/** 30 bytes in base32 (RFC 4648, 6): 48 letters, without padding. */
const inBase32 = (bytes: Uint8Array): string => {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  return (bits.match(/.{5}/g) ?? []).map((five) => base32[Number.parseInt(five, 2)]).join("")
}

/** The first 240 bits of the SHA-256 of the public key (SPKI), as twelve groups of four letters: libtrust's key id. */
const idOf = (publicKey: KeyObject): string => {
  const digest = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest()
  return (inBase32(digest.subarray(0, 30)).match(/.{4}/g) ?? []).join(":")
}

/** The key of a secret: the same secret gives the same key on every server. HKDF (RFC 5869) with SHA-256. */
export const registryKeyOf = (secret: Uint8Array): RegistryKey => {
  const bytes = new Uint8Array(hkdfSync("sha256", secret, "", "max-cloud registry tokens ES256", 48))
  const curve = createECDH("prime256v1")
  const scalar = scalarOf(bytes)
  curve.setPrivateKey(scalar)
  const point = curve.getPublicKey()
  const [x, y] = [point.subarray(1, 33).toString("base64url"), point.subarray(33).toString("base64url")]
  const privateKey = createPrivateKey({
    format: "jwk",
    key: { kty: "EC", crv: "P-256", x, y, d: scalar.toString("base64url") }
  })
  const publicKey = createPublicKey(privateKey)
  const jwk = Option.getOrThrow(readJwk(publicKey.export({ format: "jwk" })))
  const pullBytes = hkdfSync("sha256", secret, "", "max-cloud registry pull passwords", 32)
  const pullSecret = Redacted.make(Buffer.from(pullBytes).toString("base64url"))
  return { id: idOf(publicKey), privateKey, publicKey, jwk, pullSecret }
}

/** The key of a secret in a setting. */
export const registryKeyOfText = (secret: Redacted.Redacted): RegistryKey =>
  registryKeyOf(Buffer.from(Redacted.value(secret), "utf8"))
