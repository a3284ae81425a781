import type { SqlClient } from "@effect/sql/SqlClient"
import type { UserId } from "@maxcloud/sdk/api"
import { Effect, Option, Redacted, Schema } from "effect"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import { idOfOneTime } from "./oneTimeTokens.ts"

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: Schema.String, sealed_by: Schema.String, sealed: Schema.Uint8ArrayFromSelf }))
)

const owner = { type: "server" } as const
const placeOf = (id: string) => ["signInCode", id]

/** The code that was last mailed to the person, while it's valid and unused. */
export const standingCode = (sql: SqlClient, keys: typeof DataKeys.Service, userId: UserId) =>
  Effect.gen(function* () {
    const rows = yield* sql`
      select id, sealed_by, sealed from one_time_tokens
      where user_id = ${userId} and purpose = 'signIn' and sealed is not null and used_at is null and expires_at > now()
      order by created_at desc limit 1`
    const [row] = decodeRows(rows)
    if (row === undefined) return undefined
    const opened = yield* keys.open(owner, placeOf(row.id), { keyId: row.sealed_by, bytes: row.sealed })
    return Option.getOrUndefined(Option.map(opened, Redacted.value))
  })

/** Stores the code that is mailed for this sign-in. */
export const keepCode = (
  sql: SqlClient,
  keys: typeof DataKeys.Service,
  challenge: Redacted.Redacted,
  code: Redacted.Redacted
) =>
  Effect.gen(function* () {
    const id = idOfOneTime(challenge)
    const { bytes, keyId } = yield* keys.seal(owner, placeOf(id), code)
    yield* sql`update one_time_tokens set sealed_by = ${keyId}, sealed = ${bytes} where id = ${id}`
  })

/** A code works once: using it ends all pending sign-ins of the person. */
export const endCodes = (sql: SqlClient, userId: UserId) => sql`
  update one_time_tokens set used_at = now(), expires_at = now(), sealed_by = null, sealed = null
  where user_id = ${userId} and purpose = 'signIn' and used_at is null`
