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
import { keyInfo, newPrefix, pageOfKeys } from "./keyRows.ts"
import { seenBy } from "./keyRules.ts"
import { rotateKey } from "./rotateKey.ts"
import { digestOf, lockSeen, subjectOf } from "./writtenKeys.ts"

const remove = (sql: SqlClient, audit: typeof Audit.Service, caller: Caller, id: ApiKeyId) => {
  const work = Effect.gen(function* () {
    const row = yield* lockSeen(sql, caller, id)
    yield* sql`delete from api_keys where organization_id = ${caller.organization.id} and id = ${id}`
    yield* recordEvents(caller.organization.id, {
      type: "api-key.deleted",
      subject: `api-keys/${id}`,
      data: { apiKey: id, role: row.role, replacedBy: null }
    })
    yield* audit.append({
      action: "auth.deleteApiKey",
      outcome: "succeeded",
      status: 204,
      subject: subjectOf(keyInfo(row)),
      before: digestOf(keyInfo(row))
    })
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
