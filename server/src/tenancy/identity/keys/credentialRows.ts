import type { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { ApiKeyId, KeyScope, OidcTrustId, OrganizationId, Role, SessionId, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { makerFields } from "./trustStanding.ts"

/** Fields of every kind of credential, from one query: its owner, and the present state of its person. */
const common = {
  organization_id: OrganizationId,
  organization: OrganizationName,
  /** Older than the resolution of `last_used_at`. */
  use_is_stale: Schema.Boolean
}
const person = {
  user_id: Schema.NullOr(UserId),
  email: Schema.NullOr(Schema.String),
  verified: Schema.Boolean,
  /** The member's role; null if the person is no longer a member. */
  member_role: Schema.NullOr(Role)
}
const secret = { token_hash: Schema.Uint8ArrayFromSelf, expired: Schema.Boolean }

const SessionRow = Schema.Struct({ ...common, ...person, ...secret, id: SessionId, unproven: Schema.Boolean })
const KeyRow = Schema.Struct({
  ...common,
  ...person,
  ...secret,
  id: ApiKeyId,
  role: Role,
  scopes: Schema.Array(KeyScope),
  created_by: Schema.NullOr(UserId),
  replaced: Schema.Boolean
})
const TrustRow = Schema.Struct({
  ...common,
  ...makerFields,
  id: OidcTrustId,
  name: Schema.String,
  issuer: Schema.String,
  claims: Schema.Record({ key: Schema.String, value: Schema.String }),
  role: Role,
  scopes: Schema.Array(KeyScope)
})
export type TrustRow = typeof TrustRow.Type

const decodeSessions = Schema.decodeUnknownSync(Schema.Array(SessionRow))
const decodeKeys = Schema.decodeUnknownSync(Schema.Array(KeyRow))
const decodeTrusts = Schema.decodeUnknownSync(Schema.Array(TrustRow))

export const findSession = (sql: SqlClient, tokenHash: Uint8Array) =>
  Effect.map(
    sql`
      select sessions.id, token_hash, sessions.organization_id, organizations.name as organization, users.id as user_id, email,
        verified_at is not null as verified, memberships.role as member_role, expires_at <= now() as expired, ${useIsStale(sql)},
        coalesce(sessions.created_at < verified_at, false) as unproven
      from sessions
      join organizations on organizations.id = sessions.organization_id
      join users on users.id = sessions.user_id
      left join memberships on memberships.organization_id = sessions.organization_id and memberships.user_id = sessions.user_id
      where token_hash = ${tokenHash}`,
    (rows) => decodeSessions(rows)[0]
  )

export const findKey = (sql: SqlClient, prefix: string) =>
  Effect.map(
    sql`
      select api_keys.id, token_hash, api_keys.organization_id, organizations.name as organization, users.id as user_id, email,
        verified_at is not null as verified, memberships.role as member_role, coalesce(expires_at <= now(), false) as expired,
        ${useIsStale(sql)}, api_keys.role, scopes, api_keys.created_by, replaced_by is not null as replaced
      from api_keys
      join organizations on organizations.id = api_keys.organization_id
      left join users on users.id = api_keys.created_by
      left join memberships on memberships.organization_id = api_keys.organization_id and memberships.user_id = api_keys.created_by
      where prefix = ${prefix}`,
    (rows) => decodeKeys(rows)[0]
  )

/** `makerFields` of a trust, in a query with `withMaker`. */
export const makerColumns = (sql: SqlClient) => sql`
  oidc_trusts.created_by, users.email as maker_email, memberships.role as maker_role,
  coalesce(memberships.created_at > oidc_trusts.created_at, false) as maker_came_back`

/** Joins each trust's creator to `oidc_trusts`. */
export const withMaker = (sql: SqlClient) => sql`
  left join users on users.id = oidc_trusts.created_by
  left join memberships on memberships.organization_id = oidc_trusts.organization_id
    and memberships.user_id = oidc_trusts.created_by`

/** The organization's trusts of this issuer, oldest first, including those that no longer count. */
export const findTrusts = (sql: SqlClient, organization: OrganizationName, issuer: string) =>
  Effect.map(
    sql`
      select oidc_trusts.id, oidc_trusts.name, issuer, claims, oidc_trusts.role, scopes, oidc_trusts.organization_id,
        organizations.name as organization, ${useIsStale(sql)}, ${makerColumns(sql)}
      from oidc_trusts join organizations on organizations.id = oidc_trusts.organization_id ${withMaker(sql)}
      where organizations.name = ${organization} and issuer = ${issuer}
      order by oidc_trusts.created_at, oidc_trusts.id`,
    decodeTrusts
  )

const useIsStale = (sql: SqlClient) =>
  sql`coalesce(last_used_at not between now() - interval '1 minute' and now() + interval '1 minute', true) as use_is_stale`

const tables = { session: "sessions", key: "api_keys", oidc: "oidc_trusts" } as const

/** Records when a credential was last used. If another request is doing so, its time is as good. */
export const noteUse = (sql: SqlClient, { credential, organization }: Caller) =>
  credential.type === "local" || credential.type === "pull"
    ? Effect.void
    : Effect.asVoid(sql`
        update ${sql(tables[credential.type])} set last_used_at = now()
        where (organization_id, id) in (
          select organization_id, id from ${sql(tables[credential.type])}
          where organization_id = ${organization.id} and id = ${credential.id}
            and coalesce(last_used_at not between now() - interval '1 minute' and now() + interval '1 minute', true)
          for update skip locked)`)

export const organizationOf = (row: {
  readonly organization_id: OrganizationId
  readonly organization: OrganizationName
}) => ({
  id: row.organization_id,
  name: row.organization
})
