import type { SqlClient } from "@effect/sql/SqlClient"
import { Forbidden, type UserId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole, mayGive } from "../../access/policy.ts"
import { type KeyRow, lockFamily, selectKeys } from "./keyRows.ts"

/** Refuses with 403 and this explanation. */
export const refuse = (detail: string) => Effect.fail(new Forbidden({ detail }))

/**
 * Admins see every key; others those that they created; a credential without a person itself. As a condition for rows of
 * `api_keys`.
 */
export const seenBy = (sql: SqlClient, caller: Caller) => {
  const role = effectiveRole(caller)
  if (role === "owner" || role === "admin") return sql`true`
  if (caller.person !== undefined) return sql`api_keys.created_by = ${caller.person.id}`
  return caller.credential.type === "key" ? sql`api_keys.id = ${caller.credential.id}` : sql`false`
}

/** The same for a row that was read. */
export const sees = (caller: Caller, row: Pick<KeyRow, "id" | "created_by">): boolean => {
  const role = effectiveRole(caller)
  if (role === "owner" || role === "admin") return true
  return caller.person !== undefined
    ? row.created_by === caller.person.id
    : caller.credential.type === "key" && caller.credential.id === row.id
}

/** The owner of the caller's new keys; null: nobody, in an organization that needs no credential. */
export const makerOf = ({ credential, person, scopes }: Caller): Effect.Effect<UserId | null, Forbidden> => {
  if (scopes !== undefined) {
    return refuse(
      `this credential is narrowed to ${scopes.join(", ")}, so it can't create keys. Use another credential, or run \`maxcloud auth login\``
    )
  }
  if (credential.type === "oidc") {
    return refuse(
      "A token from an issuer can't create keys, because they would outlive it. Sign in with `maxcloud auth login`, or use the token itself."
    )
  }
  return Effect.succeed(person?.id ?? null)
}

/** The caller's key, if it uses one, locked until the transaction ends: a key that is being deleted creates no more keys. */
export const lockOwn = (sql: SqlClient, { credential, organization }: Caller) =>
  Effect.gen(function* () {
    if (credential.type !== "key") return undefined
    const [own] = yield* selectKeys(sql, organization.id, credential.id, true)
    return own ?? (yield* refuse("this key has just been deleted. Use another credential"))
  })

/** An expiring key can't create one that outlives it. */
export const checkEnd = (own: KeyRow | undefined, expiresAt: Date | null) =>
  Effect.gen(function* () {
    const end = own?.expires_at ?? null
    if (end !== null && (expiresAt === null || expiresAt > end)) {
      return yield* refuse(
        `a key can't outlive its creator: this key expires at ${end.toISOString()}, so let the new one expire before that (expiresInSeconds)`
      )
    }
  })

/** A key can rotate itself and its family, which end with it. A successor of any other key would survive its deletion. */
export const checkFamily = (sql: SqlClient, { organization }: Caller, own: KeyRow | undefined, old: KeyRow) =>
  Effect.gen(function* () {
    if (own === undefined || own.id === old.id) return
    const family = yield* lockFamily(sql, organization.id, own)
    if (family.some((each) => each.id === old.id)) return
    return yield* refuse(
      "a key can rotate only itself and the keys that it created. Rotate this one with itself, or sign in with `maxcloud auth login`"
    )
  })

/** Only its creator may rotate a key: the caller gets the successor, which acts for the creator. */
export const checkRotation = (caller: Caller, rotatedBy: UserId | null, old: KeyRow, now: number) => {
  if (old.created_by !== rotatedBy) {
    return refuse(
      `A key acts for its creator, so only ${old.email ?? "its creator"} can rotate it. Delete it, and create your own.`
    )
  }
  if (!mayGive(caller.roles, old.role)) {
    return refuse(
      `this key has the role ${old.role}, and you are ${effectiveRole(caller)}. Delete it, and create a key with a role that you have`
    )
  }
  if (old.replaced_by !== null) {
    return refuse(`this key has already been rotated. Rotate its successor ${old.replaced_by}, or create a new key`)
  }
  if (old.expires_at !== null && old.expires_at.getTime() <= now) {
    return refuse(`this key expired at ${old.expires_at.toISOString()}. Create a new one`)
  }
  return Effect.void
}
