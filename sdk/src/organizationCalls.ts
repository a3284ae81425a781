import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, type Stream } from "effect"
import {
  type AuditEntry,
  type DeletionStatus,
  type ErasureCertificate,
  type MemberInfo,
  type OrganizationInfo,
  type Role,
  type SessionGrant,
  UserId
} from "./api/index.ts"
import type { Connection } from "./connection.ts"
import type { CallError } from "./errors.ts"
import { parse } from "./parse.ts"

/** The organization that the credential is of. */
export interface OrganizationCalls {
  readonly get: Effect.Effect<OrganizationInfo, CallError>
  readonly members: Effect.Effect<ReadonlyArray<MemberInfo>, CallError>
  readonly changeMember: (userId: string, role: Role) => Effect.Effect<MemberInfo, CallError>
  /** Ends the person's sessions and keys in the organization too. */
  readonly removeMember: (userId: string) => Effect.Effect<void, CallError>
  /** Everything that is kept of it, as lines of JSON, without secret values. */
  readonly export: Stream.Stream<string, CallError>
  /** Its services end at once; after the grace period everything of it is erased. `name` is its name once more. */
  readonly delete: (
    name: string,
    options?: { readonly graceDays?: number | undefined }
  ) => Effect.Effect<DeletionStatus, CallError>
  /** Ends a deletion within its grace period. */
  readonly cancelDeletion: Effect.Effect<void, CallError>
}

/** What is kept of the signed-in person, whatever the organization. */
export interface AccountCalls {
  /** Of its own for the signed-in person, with a session for it. */
  readonly createOrganization: (name: string) => Effect.Effect<SessionGrant, CallError>
  /** Lines of JSON. */
  readonly export: Stream.Stream<string, CallError>
  /** Erases the person in every store, at once. */
  readonly delete: Effect.Effect<ErasureCertificate, CallError>
}

export interface AuditOptions {
  /** 1 to 1000. @default 100 */
  readonly limit?: number | undefined
  /** Entries before this sequence number. */
  readonly before?: number | undefined
  readonly action?: string | undefined
}

/** Each write, and each attempt that was refused. */
export interface AuditCalls {
  /** Newest first. */
  readonly list: (options?: AuditOptions) => Effect.Effect<ReadonlyArray<AuditEntry>, CallError>
  /** The whole hash chain with its signed checkpoints, as lines of JSON. */
  readonly export: Stream.Stream<string, CallError>
}

export interface ErasureCalls {
  /** A certificate of erasure, by its id; needs no token. */
  readonly get: (id: string) => Effect.Effect<ErasureCertificate, CallError>
}

type Api = Effect.Effect.Success<Connection["api"]>

const parseOrganization = parse(OrganizationName)
const parseUser = parse(UserId)

export const makeOrganizationCalls = ({ call, lines }: Connection, api: Api): OrganizationCalls => ({
  get: call(api.organization.get({})),
  members: call(api.organization.members({})).pipe(Effect.map((_) => _.members)),
  changeMember: (userId, role) =>
    Effect.flatMap(parseUser(userId), (userId) =>
      call(api.organization.changeMember({ path: { userId }, payload: { role } }))
    ),
  removeMember: (userId) =>
    Effect.flatMap(parseUser(userId), (userId) => call(api.organization.removeMember({ path: { userId } }))),
  export: lines("/api/v1/organization/export"),
  delete: (name, { graceDays } = {}) =>
    Effect.flatMap(parseOrganization(name), (name) => call(api.organization.delete({ payload: { name, graceDays } }))),
  cancelDeletion: call(api.organization.cancelDeletion({}))
})

export const makeAccountCalls = ({ call, lines }: Connection, api: Api): AccountCalls => ({
  createOrganization: (name) =>
    Effect.flatMap(parseOrganization(name), (organization) =>
      call(api.account.createOrganization({ payload: { organization } }))
    ),
  export: lines("/api/v1/account/export"),
  delete: call(api.account.delete({}))
})

export const makeAuditCalls = ({ call, lines }: Connection, api: Api): AuditCalls => ({
  list: ({ action, before, limit = 100 } = {}) =>
    call(api.audit.list({ urlParams: { limit, before, action } })).pipe(Effect.map((_) => _.entries)),
  export: lines("/api/v1/audit/export")
})

export const makeErasureCalls = ({ call }: Connection, anonymous: Api): ErasureCalls => ({
  get: (id) => call(anonymous.erasures.get({ path: { id } }))
})
