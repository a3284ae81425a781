import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationName } from "@maxcloud/config-schema"
import { InviteId, type InviteInfo, InviteList, type InviteState, OrganizationId, Role } from "@maxcloud/sdk/api"
import { Effect, type Redacted, Schema } from "effect"
import { selectPage } from "../../base/database/paging.ts"
import { personAuthor } from "../access/authors.ts"
import { parseToken } from "./tokens.ts"

const fields = {
  id: InviteId,
  email: Schema.String,
  role: Role,
  state: Schema.Literal("open", "accepted", "revoked", "expired"),
  created_at: Schema.DateFromSelf,
  invited_by: Schema.NullOr(Schema.String),
  inviter_email: Schema.NullOr(Schema.String),
  expires_at: Schema.DateFromSelf
}
const decodeInvites = Schema.decodeUnknownSync(Schema.Array(Schema.Struct(fields)))
const decodeLocked = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      ...fields,
      token_hash: Schema.Uint8ArrayFromSelf,
      organization_id: OrganizationId,
      organization: OrganizationName
    })
  )
)

const state = (sql: SqlClient) => sql`
  case when accepted_at is not null then 'accepted' when revoked_at is not null then 'revoked'
    when expires_at <= now() then 'expired' else 'open' end as state`

/** The creator's columns in a query of `invites`. */
const inviter = (sql: SqlClient) => sql`
  invited_by, (select users.email from users where users.id = invites.invited_by) as inviter_email`

const infoOf = ({
  created_at,
  expires_at,
  invited_by,
  inviter_email,
  ...row
}: ReturnType<typeof decodeInvites>[number]) => ({
  ...row,
  createdBy: personAuthor(invited_by, inviter_email),
  createdAt: created_at.toISOString(),
  expiresAt: expires_at.toISOString()
})

const sorts = {
  createdAt: [
    ["created_at", "time"],
    ["id", "text"]
  ],
  email: [
    ["email", "text"],
    ["id", "text"]
  ]
} as const

export const pageOfInvites = (
  sql: SqlClient,
  organizationId: OrganizationId,
  filter: { readonly state?: InviteState | undefined },
  paging: ReturnType<typeof InviteList.pagingOf>
) =>
  selectPage(
    InviteList,
    sorts,
    paging,
    ({ isAfter, key, order }) => sql`
      select id, email, role, state, created_at, ${inviter(sql)}, expires_at, ${key}
      from (select *, ${state(sql)} from invites where organization_id = ${organizationId}) as invites
      where ${isAfter} and ${filter.state === undefined ? sql`true` : sql`state = ${filter.state}`} ${order}`,
    (rows) => decodeInvites(rows).map(infoOf)
  ).pipe(Effect.provideService(SqlClient, sql))

export const insertInvite = (
  sql: SqlClient,
  organizationId: OrganizationId,
  invite: {
    readonly id: string
    readonly email: string
    readonly role: Role
    readonly hash: Uint8Array
    readonly invitedBy: string | undefined
    readonly expiresInSeconds: number
  }
): Effect.Effect<InviteInfo, SqlError> =>
  Effect.gen(function* () {
    const { email, expiresInSeconds, hash, id, invitedBy, role } = invite
    const rows = yield* sql`
      insert into invites (organization_id, id, email, role, token_hash, invited_by, expires_at)
      values (${organizationId}, ${id}, ${email}, ${role}, ${hash}, ${invitedBy ?? null},
        now() + ${expiresInSeconds} * interval '1 second')
      returning id, email, role, ${state(sql)}, created_at, ${inviter(sql)}, expires_at`
    const [row] = decodeInvites(rows)
    return row === undefined ? yield* Effect.dieMessage("an insert returned no row") : infoOf(row)
  })

/** The token's invite, in any state, locked until the transaction ends. Doesn't check its secret. */
export const lockInvite = (sql: SqlClient, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const parsed = parseToken("invite", token)
    if (parsed === undefined) return undefined
    const rows = yield* sql`
      select invites.id, email, role, ${state(sql)}, invites.created_at, expires_at, token_hash, ${inviter(sql)},
        organization_id, organizations.name as organization
      from invites join organizations on organizations.id = invites.organization_id
      where invites.id = ${`inv_${parsed.id}`} for update of invites`
    return decodeLocked(rows)[0]
  })
