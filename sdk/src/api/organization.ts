import { OrganizationName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Name } from "./auth.ts"
import { OrganizationId, UserId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { Role } from "./roles.ts"
import { Time } from "./time.ts"

/** The most that an organization may have at a time; null: no limit. `instances`, `cpuMilli`, `memoryBytes`: of all services at their largest scale. */
export const Quotas = Schema.Struct({
  services: Schema.NullOr(Schema.Int),
  instances: Schema.NullOr(Schema.Int),
  /** Thousandths of a vCPU. */
  cpuMilli: Schema.NullOr(Schema.Int),
  memoryBytes: Schema.NullOr(Schema.Int),
  deploymentsPerHour: Schema.NullOr(Schema.Int),
  /** Of source snapshots. */
  sourceBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** Of log lines: if there are more, the oldest go. */
  logBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** Followed logs, events and exports that are open at once, on each server. */
  streams: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null })
}).annotations({ identifier: "Quotas" })
export interface Quotas extends Schema.Schema.Type<typeof Quotas> {}

/** The present use that counts against the quotas. */
export const QuotaUse = Schema.Struct({
  services: Schema.Int,
  instances: Schema.Int,
  cpuMilli: Schema.Int,
  memoryBytes: Schema.Int,
  deploymentsPerHour: Schema.Int,
  sourceBytes: Schema.optionalWith(Schema.Int, { default: () => 0 }),
  /** null: not counted, as in Loki. */
  logBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** On the server that answers. null: not counted. */
  streams: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null })
}).annotations({ identifier: "QuotaUse" })
export interface QuotaUse extends Schema.Schema.Type<typeof QuotaUse> {}

export const OrganizationInfo = Schema.Struct({
  id: OrganizationId,
  /** Never changes: hosts, namespaces and the audience of OIDC tokens hold it. */
  name: OrganizationName,
  /** What people call it; null: its name. */
  displayName: Schema.NullOr(Schema.String),
  createdAt: Time,
  /** When the organization will be erased; set only if its deletion is scheduled. */
  deleteAfter: Schema.NullOr(Time),
  quotas: Quotas,
  use: QuotaUse
}).annotations({ identifier: "OrganizationInfo" })
export interface OrganizationInfo extends Schema.Schema.Type<typeof OrganizationInfo> {}

/** What to change; absent members stay, and null removes one (RFC 7396). */
export const ChangeOrganization = Schema.Struct({
  displayName: Schema.optional(Schema.NullOr(Name))
}).annotations({ identifier: "ChangeOrganization", ...knownKeysOnly })
export interface ChangeOrganization extends Schema.Schema.Type<typeof ChangeOrganization> {}

export const MemberInfo = Schema.Struct({
  userId: UserId,
  email: Schema.String,
  role: openEnum(...Role.literals),
  verified: Schema.Boolean,
  joinedAt: Time
}).annotations({ identifier: "MemberInfo" })
export interface MemberInfo extends Schema.Schema.Type<typeof MemberInfo> {}

export const MemberList = listOf(MemberInfo, {
  name: "members",
  sorts: ["email", "joinedAt"],
  filters: { role: Schema.optional(Role) }
})

export const ChangeMember = Schema.Struct({ role: Role }).annotations({ identifier: "ChangeMember", ...knownKeysOnly })

export const DeleteOrganization = Schema.Struct({
  /** The organization's name, repeated as a confirmation: after the grace period the deletion can't be undone. */
  name: OrganizationName,
  /** Days until everything is erased: 0 to 90. @default the server's `MAXCLOUD_DELETE_GRACE_DAYS` */
  graceDays: Schema.optional(Schema.Int.pipe(Schema.between(0, 90)))
}).annotations({ identifier: "DeleteOrganization", ...knownKeysOnly })

/** The results of an erasure, store by store. Holds ids only, no names. */
export const ErasureCertificate = Schema.Struct({
  id: Schema.String.pipe(Schema.pattern(/^era_[0-9a-f]{32}$/)),
  subject: Schema.Struct({ type: openEnum("organization", "person"), id: Schema.String }),
  requestedAt: Time,
  /** null: not yet. */
  erasedAt: Schema.NullOr(Time),
  stores: Schema.Array(
    Schema.Struct({
      /** `database`, `keys`, `logs`, `sources`, `runtime`, `backups`, … */
      store: Schema.String,
      /** The result: rows or files deleted, a key erased, or why there was nothing to do. */
      action: Schema.String,
      count: Schema.Int
    })
  ),
  /** Ed25519 over the rest, by the key that signs checkpoints of the audit log; empty until erased. */
  signature: Schema.String,
  keyId: Schema.String
}).annotations({ identifier: "ErasureCertificate" })
export interface ErasureCertificate extends Schema.Schema.Type<typeof ErasureCertificate> {}

export const DeletionStatus = Schema.Struct({
  deleteAfter: Time,
  /** The id under which the certificate can be read once the erasure is done. Reading it needs no credential, since none exists any more. */
  certificateId: Schema.String
}).annotations({ identifier: "DeletionStatus" })
export interface DeletionStatus extends Schema.Schema.Type<typeof DeletionStatus> {}
