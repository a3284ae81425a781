import { Schema } from "effect"
import { AuditEntry, AuditOutcome } from "./audit.ts"
import { Time } from "./time.ts"

/**
 * The lines of `audit export`. docs/audit.md says how each is created and verified. Keep both in sync.
 */
export const auditFormat = "maxcloud-audit"
export const auditFormatVersion = 1

const Text = Schema.NullOr(Schema.String)
const Digest = Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/))
const Sequence = Schema.Int.pipe(Schema.between(0, Number.MAX_SAFE_INTEGER))

/** The hashed part of an entry, encoded by `canonicalJson`. */
export const AuditRecord = Schema.Struct({
  version: Schema.Literal(auditFormatVersion),
  /** `server` is the chain for events outside any organization. */
  organization: Schema.String,
  sequence: Sequence,
  /** UTC, to the millisecond, by the database's clock. */
  at: Time,
  action: Schema.String,
  outcome: AuditOutcome,
  status: Schema.Int,
  actorType: AuditEntry.fields.actor.fields.type,
  actorId: Text,
  credentialId: Text,
  /** The organization that owns the key for `personal`; null means the chain's own key. */
  personId: Text,
  requestId: Text,
  beforeDigest: Text,
  afterDigest: Text,
  personalKeyId: Text,
  /** The ciphertext, in Base64. */
  personal: Text,
  /** SHA-256 of the sealed content as `canonicalJson`, with its salt. It proves that the opened content is the sealed one. */
  personalDigest: Schema.NullOr(Digest),
  subjectKeyId: Text,
  subject: Text,
  subjectDigest: Schema.NullOr(Digest)
})
export interface AuditRecord extends Schema.Schema.Type<typeof AuditRecord> {}

/** The sealed data about the person. */
export const AuditPersonal = Schema.Struct({
  address: Text,
  email: Text,
  /** The `sub` claim of a token of another issuer. */
  oidcSubject: Text,
  /** 16 random bytes in base64url. Without this salt, the digest would let others guess the remaining fields. */
  salt: Schema.String
})
export interface AuditPersonal extends Schema.Schema.Type<typeof AuditPersonal> {}

export const AuditSubject = Schema.Struct({ subject: Schema.String, salt: Schema.String })
export interface AuditSubject extends Schema.Schema.Type<typeof AuditSubject> {}

export const AuditEntryLine = Schema.Struct({
  entry: AuditRecord,
  hash: Digest,
  /** Not part of the hash itself, but proven by the digests in it. null: nothing was sealed, or its key was erased. */
  opened: Schema.Struct({ personal: Schema.NullOr(AuditPersonal), subject: Schema.NullOr(AuditSubject) })
})
export interface AuditEntryLine extends Schema.Schema.Type<typeof AuditEntryLine> {}

/** States the chain's hash at this length. Its `canonicalJson` is signed (Ed25519, RFC 8032). */
export const AuditCheckpoint = Schema.Struct({
  type: Schema.Literal("maxcloud-audit-checkpoint"),
  version: Schema.Literal(auditFormatVersion),
  organization: Schema.String,
  sequence: Sequence,
  hash: Digest,
  at: Time,
  keyId: Schema.String
})
export interface AuditCheckpoint extends Schema.Schema.Type<typeof AuditCheckpoint> {}

export const AuditCheckpointLine = Schema.Struct({
  checkpoint: AuditCheckpoint,
  /** Base64. */
  signature: Schema.String
})
export interface AuditCheckpointLine extends Schema.Schema.Type<typeof AuditCheckpointLine> {}

export const AuditHeaderLine = Schema.Struct({
  format: Schema.Literal(auditFormat),
  version: Schema.Literal(auditFormatVersion),
  organization: Schema.String,
  /** Every key that has signed a checkpoint below, as SPKI in PEM. */
  publicKeys: Schema.Array(Schema.Struct({ id: Schema.String, publicKey: Schema.String }))
})
export interface AuditHeaderLine extends Schema.Schema.Type<typeof AuditHeaderLine> {}

export const AuditEndLine = Schema.Struct({
  end: Schema.Struct({
    entries: Sequence,
    checkpoints: Sequence,
    /** Checkpoints in the database that the server hasn't signed, if there are any. */
    leftOut: Schema.optionalWith(Sequence.pipe(Schema.positive()), { exact: true })
  })
})
export interface AuditEndLine extends Schema.Schema.Type<typeof AuditEndLine> {}

/** The hash before the first entry: 32 bytes of zero. */
export const auditGenesis = "0".repeat(64)
