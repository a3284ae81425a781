import { SqlClient } from "@effect/sql/SqlClient"
import type { ApiKeyId, CreateApiKey } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { asServer } from "../../../base/database/RowScope.ts"
import { inTransaction } from "../../../base/database/sqlErrors.ts"
import type { Caller } from "../../access/Caller.ts"
import { Audit } from "../../audit/Audit.ts"
import { recordEvents } from "../../events/recordEvents.ts"
import { whereAway } from "../whereAway.ts"
import { ApiKeys } from "./ApiKeys.ts"
import { createKey } from "./createKey.ts"
import { keyInfo, lockFamily, newPrefix, pageOfKeys } from "./keyRows.ts"
import { seenBy } from "./keyRules.ts"
import { rotateKey } from "./rotateKey.ts"
import { digestOf, lockSeen, subjectOf } from "./writtenKeys.ts"

/** Deletes a key and the keys that it created, so that whoever has stolen it keeps no other way in. */
const remove = (sql: SqlClient, audit: typeof Audit.Service, caller: Caller, id: ApiKeyId) => {
  const work = Effect.gen(function* () {
    const organization = caller.organization.id
    const family = yield* lockFamily(sql, organization, yield* lockSeen(sql, caller, id))
    yield* sql`delete from api_keys where organization_id = ${organization} and id = ${id}`
    const names = new Map(family.map((row) => [row.id, subjectOf(keyInfo(row))]))
    for (const row of family) {
      const creator = row.id === id || row.created_with === null ? undefined : names.get(row.created_with)
      yield* recordEvents(organization, {
        type: "api-key.deleted",
        subject: `api-keys/${row.id}`,
        data: { apiKey: row.id, role: row.role, replacedBy: null }
      })
      yield* audit.append({
        action: "auth.deleteApiKey",
        outcome: "succeeded",
        status: 204,
        subject: `${subjectOf(keyInfo(row))}${creator === undefined ? "" : `, created by ${creator}`}`,
        before: digestOf(keyInfo(row))
      })
    }
  })
  return asServer(inTransaction(sql, work))
}

/**
 * `ApiKeys` in the table `api_keys`. `prefixes`: generates the public prefixes of keys. The creators' addresses are in a
 * table that belongs to no organization, so everything runs `asServer`; each query names the organization itself.
 */
export const layerWith = (prefixes: () => string) =>
  Layer.effect(
    ApiKeys,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit

      return {
        create: Effect.fn("ApiKeys.create")(
          (caller: Caller, input: CreateApiKey) => createKey(sql, audit, prefixes, caller, input),
          whereAway
        ),
        page: Effect.fn("ApiKeys.page")(
          (caller, paging) => asServer(pageOfKeys(sql, caller.organization.id, seenBy(sql, caller), paging)),
          whereAway
        ),
        remove: Effect.fn("ApiKeys.remove")(
          (caller: Caller, id: ApiKeyId) => remove(sql, audit, caller, id),
          whereAway
        ),
        rotate: Effect.fn("ApiKeys.rotate")(
          (caller: Caller, id: ApiKeyId, overlapSeconds: number) =>
            rotateKey(sql, audit, prefixes, caller, id, overlapSeconds),
          whereAway
        )
      }
    })
  )

export const layer = layerWith(newPrefix)
