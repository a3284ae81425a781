import type { SqlClient } from "@effect/sql/SqlClient"
import type { ApiKeyId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { databaseMillis } from "../../../base/database/databaseMillis.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { inTransaction } from "../../../base/database/sqlErrors.ts"
import type { Caller } from "../../access/Caller.ts"
import type { Audit } from "../../audit/Audit.ts"
import { recordEvents } from "../../events/recordEvents.ts"
import { type KeyRow, keyInfo, selectKeys } from "./keyRows.ts"
import { checkEnd, checkFamily, checkRotation, lockOwn, makerOf } from "./keyRules.ts"
import { digestOf, lockSeen, subjectOf, writeKey } from "./writtenKeys.ts"

/**
 * The successor's expiry. A person gives it the old key's original lifetime. A key only passes on the remaining time, or
 * else it could renew itself forever. No key outlives the one that created it.
 */
const endOfSuccessor = (
  { credential }: Caller,
  { created_at, expires_at }: KeyRow,
  creator: KeyRow | undefined,
  now: number
) => {
  if (expires_at === null || credential.type === "key") return expires_at
  const end = now + expires_at.getTime() - created_at.getTime()
  return new Date(Math.min(end, creator?.expires_at?.getTime() ?? Number.POSITIVE_INFINITY))
}

const endOfOld = ({ expires_at }: KeyRow, now: number, overlapSeconds: number) =>
  new Date(Math.min(expires_at?.getTime() ?? Number.POSITIVE_INFINITY, now + overlapSeconds * 1000))

/**
 * Creates a successor for a key, which stays valid for `overlapSeconds`, but no longer than before. The successor takes its place: it
 * belongs to the key that created it, and the keys that it created belong to the successor.
 */
export const rotateKey = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  prefixes: () => string,
  caller: Caller,
  id: ApiKeyId,
  overlapSeconds: number
) =>
  Effect.gen(function* () {
    const rotatedBy = yield* makerOf(caller)
    const now = yield* asServer(databaseMillis(sql))
    const rotate = Effect.gen(function* () {
      // Creators are locked before the keys that they created, as when they're deleted.
      const own = yield* lockOwn(sql, caller)
      const old = yield* lockSeen(sql, caller, id)
      yield* checkRotation(caller, rotatedBy, old, now)
      yield* checkEnd(own, old.expires_at)
      yield* checkFamily(sql, caller, own, old)
      const [creator] =
        old.created_with === null ? [] : yield* selectKeys(sql, caller.organization.id, old.created_with)
      const made = yield* writeKey(sql, prefixes, caller, {
        name: old.name,
        role: old.role,
        scopes: old.scopes,
        createdBy: old.created_by,
        expiresAt: endOfSuccessor(caller, old, creator, now),
        createdWith: old.created_with
      })
      yield* sql`
        update api_keys set created_with = ${made.apiKey.id}
        where organization_id = ${caller.organization.id} and created_with = ${id}`
      yield* sql`
        update api_keys set expires_at = ${endOfOld(old, now, overlapSeconds)}, replaced_by = ${made.apiKey.id}
        where organization_id = ${caller.organization.id} and id = ${id}`
      yield* recordEvents(caller.organization.id, {
        type: "api-key.rotated",
        subject: `api-keys/${id}`,
        data: { apiKey: id, role: old.role, replacedBy: made.apiKey.id }
      })
      yield* audit.append({
        action: "auth.rotateApiKey",
        outcome: "succeeded",
        status: 201,
        subject: `${subjectOf(keyInfo(old))}, now ${made.apiKey.prefix}`,
        before: digestOf(keyInfo(old)),
        after: digestOf(made.apiKey)
      })
      return made
    })
    return yield* asServer(inTransaction(sql, rotate))
  })
