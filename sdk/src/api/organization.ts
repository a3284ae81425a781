import { OrganizationName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Name } from "./auth.ts"
import { OrganizationId, UserId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { Role } from "./roles.ts"
import { Time } from "./time.ts"

/** An organization's limits; null means no limit. `instances`, `cpuMilli` and `memoryBytes` count all services at their maximum scale. */
export const Quotas = Schema.Struct({
  services: Schema.NullOr(Schema.Int),
  instances: Schema.NullOr(Schema.Int),
  /** Thousandths of a vCPU. */
  cpuMilli: Schema.NullOr(Schema.Int),
  memoryBytes: Schema.NullOr(Schema.Int),
  deploymentsPerHour: Schema.NullOr(Schema.Int),
  /** For source snapshots. */
  sourceBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** For log lines. Beyond the limit, the oldest are deleted. */
  logBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** Followed logs, events and exports that are open at a time, on each server. */
  streams: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null })
}).annotations({ identifier: "Quotas" })
export interface Quotas extends Schema.Schema.Type<typeof Quotas> {}

/** The current usage that counts against the quotas. */
export const QuotaUse = Schema.Struct({
  services: Schema.Int,
  instances: Schema.Int,
  cpuMilli: Schema.Int,
  memoryBytes: Schema.Int,
  deploymentsPerHour: Schema.Int,
  sourceBytes: Schema.optionalWith(Schema.Int, { default: () => 0 }),
  /** null if not counted, as with Loki. */
  logBytes: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  /** On the responding server; null if not counted. */
  streams: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null })
}).annotations({ identifier: "QuotaUse" })
export interface QuotaUse extends Schema.Schema.Type<typeof QuotaUse> {}

export const OrganizationInfo = Schema.Struct({
  id: OrganizationId,
  /** Never changes, because hosts, namespaces and the audience of OIDC tokens contain it. */
  name: OrganizationName,
  /** The display name; null means `name`. */
  displayName: Schema.NullOr(Schema.String),
  createdAt: Time,
  /** When the organization will be erased; set only if its deletion is scheduled. */
  deleteAfter: Schema.NullOr(Time),
  quotas: Quotas,
  use: QuotaUse
}).annotations({ identifier: "OrganizationInfo" })
export interface OrganizationInfo extends Schema.Schema.Type<typeof OrganizationInfo> {}

/** The changes. Absent members stay unchanged, and null removes one (RFC 7396). */
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
  /** The organization's name, as confirmation: after the grace period, the deletion can't be undone. */
  name: OrganizationName,
  /** Days until everything is erased: 0 to 90. @default the server's `MAXCLOUD_DELETE_GRACE_DAYS` */
  graceDays: Schema.optional(Schema.Int.pipe(Schema.between(0, 90)))
}).annotations({ identifier: "DeleteOrganization", ...knownKeysOnly })

/** The results of an erasure, store by store. Contains only ids, no names. */
export const ErasureCertificate = Schema.Struct({
  id: Schema.String.pipe(Schema.pattern(/^era_[0-9a-f]{32}$/)),
  subject: Schema.Struct({ type: openEnum("organization", "person"), id: Schema.String }),
  requestedAt: Time,
  /** null if not yet. */
  erasedAt: Schema.NullOr(Time),
  stores: Schema.Array(
    Schema.Struct({
      /** `database`, `keys`, `logs`, `sources`, `runtime`, `backups`, … */
      store: Schema.String,
      /** The result: deleted rows or files, an erased key, or why there was nothing to do. */
      action: Schema.String,
      count: Schema.Int
    })
  ),
  /** An Ed25519 signature of the rest, by the key that signs checkpoints of the audit log. Empty until erased. */
  signature: Schema.String,
  keyId: Schema.String
}).annotations({ identifier: "ErasureCertificate" })
export interface ErasureCertificate extends Schema.Schema.Type<typeof ErasureCertificate> {}

export const DeletionStatus = Schema.Struct({
  deleteAfter: Time,
  /** The id of the certificate, readable once the erasure is done. Reading it needs no credential, since none exists any more. */
  certificateId: Schema.String
}).annotations({ identifier: "DeletionStatus" })
export interface DeletionStatus extends Schema.Schema.Type<typeof DeletionStatus> {}
