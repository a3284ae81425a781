import { textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { listOf } from "./lists.ts"
import { integerText } from "./numberText.ts"
import { openEnum } from "./openEnum.ts"
import { Time, TimeText } from "./time.ts"

export const AuditOutcome = Schema.Literal("succeeded", "failed", "refused")
export type AuditOutcome = typeof AuditOutcome.Type

/** One entry of an organization's audit log. */
export const AuditEntry = Schema.Struct({
  /** Increases by one, without gaps. */
  sequence: Schema.Int,
  at: Time,
  /** The operation, such as `apps.deploy`. */
  action: Schema.String,
  outcome: openEnum(...AuditOutcome.literals),
  /** The HTTP status of the response. */
  status: Schema.Int,
  actor: Schema.Struct({
    type: openEnum("user", "key", "oidc", "local", "server", "anonymous"),
    id: Schema.NullOr(Schema.String),
    /** The id of the session, key or trust. */
    credentialId: Schema.NullOr(Schema.String),
    /** Personal: null if the person's key was erased. */
    email: Schema.NullOr(Schema.String),
    address: Schema.NullOr(Schema.String)
  }),
  /** The subject of the entry; null if the organization's key was erased. */
  subject: Schema.NullOr(Schema.String),
  beforeDigest: Schema.NullOr(Schema.String),
  afterDigest: Schema.NullOr(Schema.String),
  requestId: Schema.NullOr(Schema.String),
  /** SHA-256 in hexadecimal digits, over the entry and the hash before it. */
  hash: Schema.String
}).annotations({ identifier: "AuditEntry" })
export interface AuditEntry extends Schema.Schema.Type<typeof AuditEntry> {}

export const AuditList = listOf(AuditEntry, {
  name: "audit",
  sorts: ["-sequence"],
  filters: {
    action: Schema.optional(textUpTo(100, "The action")),
    outcome: Schema.optional(AuditOutcome),
    /** Entries from this time on. */
    since: Schema.optional(TimeText),
    /** Entries before this sequence number. */
    before: Schema.optional(integerText(1, Number.MAX_SAFE_INTEGER))
  }
})
