import type { SqlClient } from "@effect/sql/SqlClient"
import { UserId, type UserInfo } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"

const decodeUsers = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: UserId, email: Schema.String, verified_at: Schema.NullOr(Schema.DateFromSelf) }))
)
const userOf = (rows: unknown): UserInfo | undefined =>
  decodeUsers(rows).map(({ email, id, verified_at }) => ({ id, email, verified: verified_at !== null }))[0]

export const normalEmail = (email: string) => email.trim().toLowerCase()

export const userByEmail = (sql: SqlClient, email: string) =>
  Effect.map(sql`select id, email, verified_at from users where email = ${normalEmail(email)}`, userOf)

export const userById = (sql: SqlClient, id: string) =>
  Effect.map(sql`select id, email, verified_at from users where id = ${id}`, userOf)

/** The same, locked until the transaction ends. */
export const lockUser = (sql: SqlClient, id: string) =>
  Effect.map(sql`select id, email, verified_at from users where id = ${id} for no key update`, userOf)

/** The new user; undefined if the address has an account. */
export const insertUser = (sql: SqlClient, email: string, verified: boolean) =>
  Effect.map(
    sql`
      insert into users (id, email, verified_at)
      values (${newId("usr")}, ${normalEmail(email)}, ${verified ? sql`now()` : null})
      on conflict (email) do nothing returning id, email, verified_at`,
    userOf
  )

/** The address is confirmed, so links mailed to confirm it are void. */
export const markVerified = (sql: SqlClient, user: UserInfo) =>
  Effect.gen(function* () {
    yield* sql`update users set verified_at = coalesce(verified_at, now()) where id = ${user.id}`
    yield* sql`
      update one_time_tokens set used_at = now()
      where user_id = ${user.id} and purpose = 'verify' and used_at is null`
    return { ...user, verified: true }
  })

/**
 * Confirms the person's address: they read mail sent to it, which proves more than the registration. Somebody else may
 * have registered an unconfirmed account in advance (pre-hijacking), so everybody who was signed in is signed out.
 */
export const proveAddress = (sql: SqlClient, user: UserInfo) =>
  Effect.gen(function* () {
    if (user.verified) return user
    yield* sql`delete from sessions where user_id = ${user.id}`
    yield* sql`delete from api_keys where created_by = ${user.id}`
    yield* sql`delete from oidc_trusts where created_by = ${user.id}`
    yield* sql`delete from device_authorizations where approved_by = ${user.id}`
    return yield* markVerified(sql, user)
  })
