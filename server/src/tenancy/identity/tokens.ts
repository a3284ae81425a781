import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto"
import { Redacted } from "effect"

/** Prefixes of tokens, so that people and secret scanners can distinguish them. */
const prefixes = {
  session: "mcs",
  key: "mck",
  invite: "mci",
  oneTime: "mcv",
  device: "mcd",
  local: "mcl",
  pull: "mcp"
} as const
export type TokenKind = keyof typeof prefixes

export interface ParsedToken {
  /** The part by which the token is found. It grants no access. */
  readonly id: string
  readonly secret: string
}

export interface NewToken {
  /** `<prefix>_<id>_<secret>`: shown once, never stored. */
  readonly token: Redacted.Redacted
  /** The stored part: SHA-256 of the whole token. The secret has 256 random bits, so a slow hash would add nothing. */
  readonly hash: Buffer
}

const shape = /^(mc[a-z])_([0-9A-Za-z]{8,32})_([-\w]{43})$/

/** A new token. `id`: 8 to 32 letters and digits, by which it's found; see `hexOf`. */
export const newToken = (kind: TokenKind, id: string): NewToken => {
  const token = `${prefixes[kind]}_${id}_${randomBytes(32).toString("base64url")}`
  return { token: Redacted.make(token), hash: digestOf(token) }
}

/**
 * Derives a token from a secret of 256 random bits and a text. It's the same each time, and can't be made without the
 * secret.
 */
export const derivedToken = (kind: TokenKind, id: string, secret: Redacted.Redacted, text: string): NewToken => {
  const derived = createHmac("sha256", Redacted.value(secret)).update(text).digest("base64url")
  const token = `${prefixes[kind]}_${id}_${derived}`
  return { token: Redacted.make(token), hash: digestOf(token) }
}

/** The parts of a token of this kind; undefined for anything else. */
export const parseToken = (kind: TokenKind, token: Redacted.Redacted): ParsedToken | undefined => {
  const [, prefix, id, secret] = shape.exec(Redacted.value(token)) ?? []
  return prefix === prefixes[kind] && id !== undefined && secret !== undefined ? { id, secret } : undefined
}

/** Does it look like a token of this kind? */
export const isToken = (kind: TokenKind, token: Redacted.Redacted) => parseToken(kind, token) !== undefined

/** SHA-256 of a token, as stored. */
export const digestOf = (token: string | Redacted.Redacted): Buffer =>
  createHash("sha256")
    .update(typeof token === "string" ? token : Redacted.value(token))
    .digest()

const nothing = randomBytes(32)

/**
 * Is it the token stored as `hash`? Takes equally long whether there's one or not (undefined), and wherever they differ.
 */
export const matches = (token: string | Redacted.Redacted, hash: Uint8Array | undefined): boolean => {
  const same = timingSafeEqual(digestOf(token), hash?.byteLength === nothing.byteLength ? hash : nothing)
  return same && hash !== undefined
}

/** The 32 hexadecimal digits of an id such as `ses_…`, which are part of the token. */
export const hexOf = (id: string) => id.slice(id.lastIndexOf("_") + 1)
