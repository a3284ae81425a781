import { OrganizationName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import {
  AuditList,
  ChangeOrganization,
  DeleteOrganization,
  type DeletionStatus,
  type ErasureCertificate,
  type MemberInfo,
  MemberList,
  type OrganizationInfo,
  Role,
  type SessionGrant,
  UserId
} from "../api/index.ts"
import type { CallError } from "../errors.ts"
import { parsed, parseOptions } from "../input/parse.ts"
import { type Calling, given } from "./Calling.ts"
import { listing, pageRequest } from "./listing.ts"

export interface MemberFilter extends Pick<typeof MemberList.parameters.Type, "role" | "sort"> {}

export interface DeletionOptions {
  readonly graceDays?: number | undefined
}

/** The credential's organization. */
export const organizationCalls = ({ api, call, lines }: Calling) => ({
  get: call<OrganizationInfo>(api.organization.get({})),

  /** The display name; `null` removes it. The name never changes. */
  change: (change: { readonly displayName?: string | null | undefined }): Effect.Effect<OrganizationInfo, CallError> =>
    parsed(ChangeOrganization, given(change), (payload) => call(api.organization.change({ payload }))),

  /** By e-mail address. */
  members: listing(MemberList)((page, filter?: MemberFilter) =>
    Effect.flatMap(pageRequest(MemberList, filter, page), (urlParams) =>
      call(api.organization.members({ urlParams, withResponse: true }))
    )
  ),

  changeMember: (userId: string, role: Role): Effect.Effect<MemberInfo, CallError> =>
    parsed(UserId, userId, (userId) =>
      parsed(Role, role, (role) => call(api.organization.changeMember({ path: { userId }, payload: { role } })))
    ),

  /** Also revokes the person's sessions and keys in the organization. */
  removeMember: (userId: string): Effect.Effect<void, CallError> =>
    parsed(UserId, userId, (userId) => call(api.organization.removeMember({ path: { userId } }))),

  /** All stored data about it, as JSON lines, without values of secrets. */
  export: lines("/api/v1/organization/export"),

  /** Its services stop immediately. After the grace period, all of its data is erased. Repeat its name in `name`. */
  delete: (name: string, options?: DeletionOptions): Effect.Effect<DeletionStatus, CallError> =>
    parsed(OrganizationName, name, (name) =>
      Effect.flatMap(parseOptions<DeletionOptions>(options, { graceDays: "number" }), (given) =>
        parsed(DeleteOrganization, { name, ...given }, (payload) => call(api.organization.delete({ payload })))
      )
    ),

  /** Cancels a deletion within its grace period. */
  cancelDeletion: call(api.organization.cancelDeletion({}))
})

/** The stored data about the signed-in person, in any organization. */
export const accountCalls = ({ api, call, lines }: Calling) => ({
  /** Creates an organization for the signed-in person, with a session for it. */
  createOrganization: (name: string): Effect.Effect<SessionGrant, CallError> =>
    parsed(OrganizationName, name, (organization) =>
      call(api.account.createOrganization({ payload: { organization } }))
    ),

  /** JSON lines. */
  export: lines("/api/v1/account/export"),

  /** Immediately erases the person in every store. */
  delete: call<ErasureCertificate>(api.account.delete({}))
})

export interface AuditFilter
  extends Pick<typeof AuditList.parameters.Type, "action" | "outcome" | "since" | "before" | "sort"> {}

/** Each write, and each refused attempt. */
export const auditCalls = ({ api, call, lines }: Calling) => ({
  /** Newest first. */
  list: listing(AuditList)((page, filter?: AuditFilter) =>
    Effect.flatMap(pageRequest(AuditList, filter, page), (urlParams) =>
      call(api.audit.list({ urlParams, withResponse: true }))
    )
  ),

  /** The complete hash chain with its signed checkpoints, as JSON lines. */
  export: lines("/api/v1/audit/export")
})

export const erasureCalls = ({ anonymous, call }: Calling) => ({
  /** A certificate of erasure, by its id. Needs no token. */
  get: (id: string): Effect.Effect<ErasureCertificate, CallError> => call(anonymous.erasures.get({ path: { id } }))
})
