import { SqlClient } from "@effect/sql/SqlClient"
import { KeyScope, OidcTrustId, type OidcTrustInfo, OidcTrustList, Role } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { selectPage } from "../../../base/database/paging.ts"
import { personAuthor } from "../../access/authors.ts"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole } from "../../access/policy.ts"
import { publicDigest } from "../../audit/publicDigest.ts"
import { makerColumns, withMaker } from "./credentialRows.ts"
import { audienceOf } from "./idTokenParts.ts"
import { makerFields, standingOf } from "./trustStanding.ts"

const TrustRow = Schema.Struct({
  id: OidcTrustId,
  name: Schema.String,
  issuer: Schema.String,
  claims: Schema.Record({ key: Schema.String, value: Schema.String }),
  role: Role,
  scopes: Schema.Array(KeyScope),
  created_at: Schema.DateFromSelf,
  last_used_at: Schema.NullOr(Schema.DateFromSelf),
  ...makerFields
})
const decode = Schema.decodeUnknownSync(Schema.Array(TrustRow))

/** The organization's trust with this id. */
export const selectTrusts = (sql: SqlClient, { organization }: Caller, id: string) =>
  Effect.map(
    sql`
      select oidc_trusts.id, name, issuer, claims, oidc_trusts.role, scopes, oidc_trusts.created_at, last_used_at,
        ${makerColumns(sql)}
      from oidc_trusts ${withMaker(sql)}
      where oidc_trusts.organization_id = ${organization.id}
        and oidc_trusts.id = ${id}`,
    decode
  )

const sorts = {
  name: [
    ["oidc_trusts.name", "text"],
    ["oidc_trusts.id", "text"]
  ],
  createdAt: [
    ["oidc_trusts.created_at", "time"],
    ["oidc_trusts.id", "text"]
  ]
} as const

export const pageOfTrusts = (sql: SqlClient, caller: Caller, paging: ReturnType<typeof OidcTrustList.pagingOf>) =>
  selectPage(
    OidcTrustList,
    sorts,
    paging,
    ({ isAfter, key, order }) => sql`
      select oidc_trusts.id, name, issuer, claims, oidc_trusts.role, scopes, oidc_trusts.created_at, last_used_at,
        ${makerColumns(sql)}, ${key}
      from oidc_trusts ${withMaker(sql)}
      where oidc_trusts.organization_id = ${caller.organization.id} and ${isAfter} ${order}`,
    (rows) => decode(rows).map((row) => trustInfo(caller, row))
  ).pipe(Effect.provideService(SqlClient, sql))

export const trustInfo = (caller: Caller, row: typeof TrustRow.Type): OidcTrustInfo => {
  const { limit, roles } = standingOf(row)
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: audienceOf(caller.organization.name),
    claims: row.claims,
    role: row.role,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    createdBy: personAuthor(row.created_by, row.maker_email),
    effectiveRole: roles.length === 0 ? null : effectiveRole({ roles }),
    limitedBecause: limit ?? null
  }
}

/**
 * Digest of a trust's settings, without its use and its creator's present state: the log has no address outside the
 * sealed part.
 */
export const digestOf = ({ createdBy, effectiveRole, lastUsedAt, limitedBecause, ...said }: OidcTrustInfo) =>
  publicDigest(said)
