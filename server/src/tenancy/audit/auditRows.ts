import { AuditEntry, AuditOutcome, type AuditRecord, auditFormatVersion, OrganizationId } from "@maxcloud/sdk/api"
import { Schema } from "effect"

const Text = Schema.NullOr(Schema.String)
const Bytes = Schema.Uint8ArrayFromSelf
const chain = Schema.Union(Schema.Literal("server"), OrganizationId)
/** A bigint arrives as text. */
const Sequence = Schema.NumberFromString

export const EntryRow = Schema.Struct({
  organization_id: chain,
  sequence: Sequence,
  at: Schema.DateFromSelf,
  action: Schema.String,
  outcome: AuditOutcome,
  status: Schema.Int,
  actor_type: AuditEntry.fields.actor.fields.type,
  actor_id: Text,
  credential_id: Text,
  person_id: Text,
  request_id: Text,
  before_digest: Text,
  after_digest: Text,
  personal_key_id: Text,
  personal: Schema.NullOr(Bytes),
  personal_digest: Schema.NullOr(Bytes),
  subject_key_id: Text,
  subject: Schema.NullOr(Bytes),
  subject_digest: Schema.NullOr(Bytes),
  hash: Bytes
})
export type EntryRow = typeof EntryRow.Type
/** The columns of `EntryRow`. */
export const entryColumns = Object.keys(EntryRow.fields).join(", ")
export const decodeEntries = Schema.decodeUnknownSync(Schema.Array(EntryRow))

export const CheckpointRow = Schema.Struct({
  organization_id: chain,
  sequence: Sequence,
  hash: Bytes,
  at: Schema.DateFromSelf,
  key_id: Schema.String,
  signature: Bytes
})
export type CheckpointRow = typeof CheckpointRow.Type
export const decodeCheckpoints = Schema.decodeUnknownSync(Schema.Array(CheckpointRow))

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"))
export const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")

/** The part of a row that goes into its hash. */
export const recordOf = (row: Omit<EntryRow, "hash">): AuditRecord => ({
  version: auditFormatVersion,
  organization: row.organization_id,
  sequence: row.sequence,
  at: row.at.toISOString(),
  action: row.action,
  outcome: row.outcome,
  status: row.status,
  actorType: row.actor_type,
  actorId: row.actor_id,
  credentialId: row.credential_id,
  personId: row.person_id,
  requestId: row.request_id,
  beforeDigest: row.before_digest,
  afterDigest: row.after_digest,
  personalKeyId: row.personal_key_id,
  personal: base64(row.personal),
  personalDigest: row.personal_digest && hex(row.personal_digest),
  subjectKeyId: row.subject_key_id,
  subject: base64(row.subject),
  subjectDigest: row.subject_digest && hex(row.subject_digest)
})
