import type { SqlClient } from "@effect/sql/SqlClient"
import { UserId } from "@maxcloud/sdk/api"
import { Effect, type Redacted, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { hexOf, matches, newToken, parseToken } from "./tokens.ts"

export type Purpose = "verify" | "signIn" | "bootstrap" | "register"

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: Schema.String,
      user_id: Schema.NullOr(UserId),
      token_hash: Schema.Uint8ArrayFromSelf,
      attempts: Schema.Int,
      used_at: Schema.NullOr(Schema.DateFromSelf),
      used_just_now: Schema.Boolean,
      expired: Schema.Boolean
    })
  )
)

const idOf = (hex: string) => `ott_${hex}`

/** The row that a token names. */
export const idOfOneTime = (token: Redacted.Redacted) => idOf(parseToken("oneTime", token)?.id ?? "")

/** A new token that's valid once, for this long. `hashOf`: what to store of it. @default its digest */
export const insertOneTime = (
  sql: SqlClient,
  purpose: Purpose,
  userId: UserId | undefined,
  seconds: number,
  hashOf?: (token: Redacted.Redacted) => Uint8Array
) =>
  Effect.gen(function* () {
    const id = idOf(hexOf(newId("ott")))
    const { hash, token } = newToken("oneTime", hexOf(id))
    yield* sql`
      insert into one_time_tokens (id, purpose, user_id, token_hash, expires_at)
      values (${id}, ${purpose}, ${userId ?? null}, ${hashOf?.(token) ?? hash},
        now() + ${seconds} * interval '1 second')`
    return token
  })

/** The row that the token names, in any state, locked until the transaction ends. Doesn't check its secret. */
export const lockOneTime = (sql: SqlClient, purpose: Purpose, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const parsed = parseToken("oneTime", token)
    if (parsed === undefined) return undefined
    const rows = yield* sql`
      select id, user_id, token_hash, attempts, used_at, expires_at <= now() as expired,
        coalesce(used_at between now() - interval '10 seconds' and now() + interval '10 seconds', false) as used_just_now
      from one_time_tokens
      where id = ${idOf(parsed.id)} and purpose = ${purpose} for update`
    return decodeRows(rows)[0]
  })

/** Uses the token up; undefined if it doesn't exist, is used, or has expired. */
export const useOneTime = (sql: SqlClient, purpose: Purpose, token: Redacted.Redacted) =>
  Effect.gen(function* () {
    const row = yield* lockOneTime(sql, purpose, token)
    if (!matches(token, row?.token_hash) || row === undefined || row.used_at !== null || row.expired) return undefined
    yield* sql`update one_time_tokens set used_at = now() where id = ${row.id}`
    return row
  })
