import type { SqlClient } from "@effect/sql/SqlClient"
import { type MemberInfo, type OrganizationId, Role, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"

const decodeMembers = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      user_id: UserId,
      email: Schema.String,
      role: Role,
      verified: Schema.Boolean,
      created_at: Schema.DateFromSelf
    })
  )
)
/** The role is one that this server knows. */
export interface Member extends MemberInfo {
  readonly role: Role
}

const membersOf = (rows: unknown) =>
  decodeMembers(rows).map(
    ({ created_at, email, role, user_id, verified }): Member => ({
      userId: user_id,
      email,
      role,
      verified,
      since: created_at.toISOString()
    })
  )

const selected = (sql: SqlClient, organizationId: OrganizationId) => sql`
  select memberships.user_id, users.email, memberships.role, users.verified_at is not null as verified,
    memberships.created_at
  from memberships join users on users.id = memberships.user_id
  where memberships.organization_id = ${organizationId}`

/** By the time they came. */
export const listMembers = (sql: SqlClient, organizationId: OrganizationId) =>
  Effect.map(sql`${selected(sql, organizationId)} order by memberships.created_at, memberships.user_id`, membersOf)

/**
 * All members, and none is changed by another until the transaction ends: what follows from all of them together (is there another owner?)
 * holds that long. In one order, so that two who lock do not wait for each other.
 */
export const lockMembers = (sql: SqlClient, organizationId: OrganizationId) =>
  Effect.map(sql`${selected(sql, organizationId)} order by memberships.user_id for update of memberships`, membersOf)
