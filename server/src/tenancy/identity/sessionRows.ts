import type { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { OrganizationId, Role, type SessionGrant, type UserInfo } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { hexOf, newToken } from "./tokens.ts"

export interface Membership {
  readonly organization: { readonly id: OrganizationId; readonly name: OrganizationName }
  readonly role: Role
}

const decodeMemberships = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: OrganizationId, name: OrganizationName, role: Role }))
)

const decodeEnds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ expires_at: Schema.DateFromSelf })))

/** A person's memberships, by name. */
export const membershipsOf = (sql: SqlClient, userId: string) =>
  sql`
    select organizations.id, organizations.name, memberships.role
    from memberships join organizations on organizations.id = memberships.organization_id
    where memberships.user_id = ${userId} order by organizations.name collate "C"`.pipe(
    Effect.map((rows) =>
      decodeMemberships(rows).map(({ id, name, role }): Membership => ({ organization: { id, name }, role }))
    )
  )

export const roleIn = (sql: SqlClient, userId: string, organizationId: string) =>
  Effect.map(membershipsOf(sql, userId), (all) => all.find((each) => each.organization.id === organizationId)?.role)

/** Creates a session. Its token is returned only here. */
export const insertSession = (
  sql: SqlClient,
  user: UserInfo,
  { organization, role }: Membership,
  days: number
): Effect.Effect<SessionGrant, Effect.Effect.Error<ReturnType<typeof membershipsOf>>> =>
  Effect.gen(function* () {
    const id = newId("ses")
    const { hash, token } = newToken("session", hexOf(id))
    const rows = yield* sql`
      insert into sessions (organization_id, id, user_id, token_hash, expires_at)
      values (${organization.id}, ${id}, ${user.id}, ${hash}, now() + ${days} * interval '1 day')
      returning expires_at`
    const [made] = decodeEnds(rows)
    if (made === undefined) return yield* Effect.dieMessage("an insert returned no row")
    return { token, expiresAt: made.expires_at.toISOString(), organization: organization.name, role, user }
  })
