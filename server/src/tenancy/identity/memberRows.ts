import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { type MemberInfo, MemberList, type OrganizationId, Role, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"

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
      joinedAt: created_at.toISOString()
    })
  )

const selected = (sql: SqlClient, organizationId: OrganizationId, more: Fragment) => sql`
  select memberships.user_id, users.email, memberships.role, users.verified_at is not null as verified,
    memberships.created_at, ${more}
  from memberships join users on users.id = memberships.user_id
  where memberships.organization_id = ${organizationId}`

const sorts = {
  email: [["users.email", "text"]],
  joinedAt: [
    ["memberships.created_at", "time"],
    ["memberships.user_id", "text"]
  ]
} as const

export const pageOfMembers = (
  sql: SqlClient,
  organizationId: OrganizationId,
  { role }: { readonly role?: Role | undefined },
  paging: ReturnType<typeof MemberList.pagingOf>
) =>
  selectPage(
    MemberList,
    sorts,
    paging,
    ({ isAfter, key, order }) => sql`
      ${selected(sql, organizationId, key)}
        and ${isAfter} and ${role === undefined ? sql`true` : sql`memberships.role = ${role}`} ${order}`,
    membersOf
  ).pipe(Effect.provideService(SqlClient, sql))

/**
 * All members, locked until the transaction ends, so that facts about all of them together (is there another owner?)
 * stay true. In a fixed order, so that two lockers never deadlock.
 */
export const lockMembers = (sql: SqlClient, organizationId: OrganizationId) =>
  Effect.map(
    sql`${selected(sql, organizationId, sql`1`)} order by memberships.user_id for update of memberships`,
    membersOf
  )
