import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { Fragment } from "@effect/sql/Statement"
import { ApiKeyId, type ApiKeyInfo, ApiKeyList, KeyScope, type OrganizationId, Role, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../../base/database/newId.ts"
import { selectPage } from "../../../base/database/paging.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { personAuthor } from "../../access/authors.ts"
import { type NewToken, newToken } from "../tokens.ts"

const KeyRow = Schema.Struct({
  id: ApiKeyId,
  name: Schema.String,
  prefix: Schema.String,
  role: Role,
  scopes: Schema.Array(KeyScope),
  created_by: Schema.NullOr(UserId),
  email: Schema.NullOr(Schema.String),
  created_at: Schema.DateFromSelf,
  last_used_at: Schema.NullOr(Schema.DateFromSelf),
  expires_at: Schema.NullOr(Schema.DateFromSelf),
  replaced_by: Schema.NullOr(ApiKeyId),
  created_with: Schema.NullOr(ApiKeyId)
})
export type KeyRow = typeof KeyRow.Type

const decode = Schema.decodeUnknownSync(Schema.Array(KeyRow))

const columns =
  "api_keys.id, name, prefix, role, scopes, created_by, email, api_keys.created_at, last_used_at, expires_at, replaced_by, created_with"

/** The organization's key with this id. */
export const selectKeys = (sql: SqlClient, organizationId: OrganizationId, id: ApiKeyId, lock = false) =>
  Effect.map(
    sql`
      select ${sql.literal(columns)} from api_keys left join users on users.id = api_keys.created_by
      where organization_id = ${organizationId} and api_keys.id = ${id} ${lock ? sql`for update of api_keys` : sql``}`,
    decode
  )

/** A key with the keys that it created, the keys that those created, and so on, all locked until the transaction ends: parents first. */
export const lockFamily = (sql: SqlClient, organizationId: OrganizationId, root: KeyRow) =>
  Effect.gen(function* () {
    const family = [root]
    // Level by level: whoever creates a key locks its creator first, so a locked key gets no more of them.
    for (let above: ReadonlyArray<KeyRow> = family; above.length > 0; ) {
      above = decode(
        yield* sql`
          select ${sql.literal(columns)} from api_keys left join users on users.id = api_keys.created_by
          where organization_id = ${organizationId} and ${sql.in(
            "created_with",
            above.map((each) => each.id)
          )}
          order by api_keys.id for update of api_keys`
      )
      family.push(...above)
    }
    return family
  })

const sorts = {
  createdAt: [
    ["api_keys.created_at", "time"],
    ["api_keys.id", "text"]
  ],
  name: [
    ["name", "text"],
    ["api_keys.id", "text"]
  ]
} as const

/** A page of the keys that a condition selects. */
export const pageOfKeys = (
  sql: SqlClient,
  organizationId: OrganizationId,
  condition: Fragment,
  paging: ReturnType<typeof ApiKeyList.pagingOf>
) =>
  selectPage(
    ApiKeyList,
    sorts,
    paging,
    ({ isAfter, key, order }) => sql`
      select ${sql.literal(columns)}, ${key} from api_keys left join users on users.id = api_keys.created_by
      where organization_id = ${organizationId} and ${condition} and ${isAfter} ${order}`,
    (rows) => decode(rows).map(keyInfo)
  ).pipe(Effect.provideService(SqlClient, sql))

export const keyInfo = (row: KeyRow): ApiKeyInfo => ({
  id: row.id,
  name: row.name,
  prefix: `mck_${row.prefix}`,
  role: row.role,
  scopes: row.scopes,
  createdAt: row.created_at.toISOString(),
  createdBy: personAuthor(row.created_by, row.email),
  lastUsedAt: row.last_used_at?.toISOString() ?? null,
  expiresAt: row.expires_at?.toISOString() ?? null,
  replacedBy: row.replaced_by,
  createdWith: row.created_with
})

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

/** 12 characters of base32 in lower case (RFC 4648, 6): 60 random bits. */
export const newPrefix = () => Array.from(randomBytes(12), (byte) => alphabet[byte & 31]).join("")

export interface KeyToMake {
  readonly organizationId: OrganizationId
  readonly name: string
  readonly role: Role
  readonly scopes: ReadonlyArray<KeyScope>
  readonly createdBy: UserId | null
  readonly expiresAt: Date | null
  /** The key that creates it, and whose deletion deletes it too. */
  readonly createdWith: ApiKeyId | null
}

/** Stores the key under a unique prefix. Returns its token, which is never available again. */
export const insertKey = (
  sql: SqlClient,
  key: KeyToMake,
  prefixes: () => string
): Effect.Effect<
  { readonly id: ApiKeyId; readonly token: NewToken["token"] },
  Effect.Effect.Error<ReturnType<typeof selectKeys>>
> =>
  Effect.gen(function* () {
    const id = ApiKeyId.make(newId("key"))
    const prefix = prefixes()
    const { hash, token } = newToken("key", prefix)
    const made = yield* sql`
      insert into api_keys (organization_id, id, name, prefix, token_hash, role, scopes, created_by, expires_at, created_with)
      values (${key.organizationId}, ${id}, ${key.name}, ${prefix}, ${hash}, ${key.role},
        ${storableJson(key.scopes)}::jsonb, ${key.createdBy}, ${key.expiresAt}, ${key.createdWith})
      on conflict (prefix) do nothing returning id`
    return made.length > 0 ? { id, token } : yield* insertKey(sql, key, prefixes)
  })
