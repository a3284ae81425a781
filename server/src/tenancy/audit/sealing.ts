import { createHash, randomBytes } from "node:crypto"
import { AuditPersonal, AuditSubject, canonicalJson, UserId } from "@maxcloud/sdk/api"
import { Effect, Option, Redacted, Schema } from "effect"
import type { DataKeys, KeyOwner } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import type { EntryRow } from "./auditRows.ts"
import type { Chain } from "./chain.ts"

type Keys = DataKeys["Type"]

export interface Sealed {
  readonly keyId: string
  readonly bytes: Uint8Array
  /** Salted SHA-256 of the sealed content, so that guesses can't be checked against it. */
  readonly digest: Uint8Array
}

const chainOwner = (chain: Chain): KeyOwner =>
  chain === "server" ? { type: "server" } : { type: "organization", id: chain }

const personalOwner = (chain: Chain, personId: UserId | null): KeyOwner =>
  personId === null ? chainOwner(chain) : { type: "person", id: personId }

const digestOf = (text: string) => createHash("sha256").update(text, "utf8").digest()
const newSalt = () => randomBytes(16).toString("base64url")

const seal = (keys: Keys, owner: KeyOwner, chain: Chain, field: "personal" | "subject", text: string) =>
  Effect.map(
    keys.seal(owner, ["audit", chain, field], Redacted.make(text)),
    ({ bytes, keyId }): Sealed => ({ bytes, keyId, digest: digestOf(text) })
  )

/** Seals with the person's key, or with the chain's if no person is known. Undefined if there's nothing to seal. */
export const sealPersonal = (
  keys: Keys,
  chain: Chain,
  personId: UserId | null,
  personal: Omit<AuditPersonal, "salt">
): Effect.Effect<Sealed | undefined, MasterKeyError> =>
  personal.address === null && personal.email === null && personal.oidcSubject === null
    ? Effect.succeed(undefined)
    : seal(
        keys,
        personalOwner(chain, personId),
        chain,
        "personal",
        canonicalJson({ ...personal, email: personal.email?.toWellFormed() ?? null, salt: newSalt() })
      )

export const sealSubject = (keys: Keys, chain: Chain, subject: string): Effect.Effect<Sealed, MasterKeyError> =>
  seal(keys, chainOwner(chain), chain, "subject", canonicalJson({ subject: subject.toWellFormed(), salt: newSalt() }))

export interface Opened {
  readonly personal: AuditPersonal | null
  readonly subject: AuditSubject | null
}

const decodePersonal = Schema.decodeUnknownOption(Schema.parseJson(AuditPersonal))
const decodeSubject = Schema.decodeUnknownOption(Schema.parseJson(AuditSubject))
const isPerson = Schema.is(UserId)

/**
 * The parts of an entry that we can open. Erased parts are null. Parts that somebody has changed are null too, because
 * the log must stay readable after tampering; the verification reports the wrong hash.
 */
export const open = (keys: Keys, row: EntryRow): Effect.Effect<Opened, MasterKeyError> => {
  const chain = row.organization_id
  const openField = <A>(
    owner: KeyOwner,
    field: "personal" | "subject",
    sealed: { readonly keyId: string | null; readonly bytes: Uint8Array | null; readonly digest: Uint8Array | null },
    decode: (text: string) => Option.Option<A>
  ): Effect.Effect<A | null, MasterKeyError> => {
    const { bytes, digest, keyId } = sealed
    if (bytes === null || keyId === null || digest === null) return Effect.succeed(null)
    return keys.open(owner, ["audit", chain, field], { keyId, bytes }).pipe(
      Effect.map((opened) =>
        opened.pipe(
          Option.map(Redacted.value),
          Option.filter((text) => digestOf(text).equals(digest)),
          Option.flatMap(decode),
          Option.getOrNull
        )
      ),
      Effect.catchIf(
        (error) => error.reason === "wrong",
        () => Effect.succeed(null)
      )
    )
  }
  const personId = isPerson(row.person_id) ? row.person_id : null
  return Effect.all({
    personal: openField(
      personalOwner(chain, personId),
      "personal",
      { keyId: row.personal_key_id, bytes: row.personal, digest: row.personal_digest },
      decodePersonal
    ),
    subject: openField(
      chainOwner(chain),
      "subject",
      { keyId: row.subject_key_id, bytes: row.subject, digest: row.subject_digest },
      decodeSubject
    )
  })
}
