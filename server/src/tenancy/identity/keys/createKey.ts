import type { SqlClient } from "@effect/sql/SqlClient"
import { type CreateApiKey, Forbidden } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { databaseMillis } from "../../../base/database/databaseMillis.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { inTransaction } from "../../../base/database/sqlErrors.ts"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole, mayGive } from "../../access/policy.ts"
import type { Audit } from "../../audit/Audit.ts"
import { recordEvents } from "../../events/recordEvents.ts"
import { checkEnd, lockOwn, makerOf } from "./keyRules.ts"
import { digestOf, subjectOf, writeKey } from "./writtenKeys.ts"

/** A key of the caller, with no more rights than they have. */
export const createKey = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  prefixes: () => string,
  caller: Caller,
  input: CreateApiKey
) =>
  Effect.gen(function* () {
    const createdBy = yield* makerOf(caller)
    const role = input.role ?? effectiveRole(caller)
    if (!mayGive(caller.roles, role)) {
      return yield* new Forbidden({
        detail: `A key can't have more rights than you. Your role in "${caller.organization.name}" is ${effectiveRole(caller)}. Omit the role, or choose one below ${role}.`
      })
    }
    const now = yield* asServer(databaseMillis(sql))
    const expiresAt = input.expiresInSeconds === undefined ? null : new Date(now + input.expiresInSeconds * 1000)
    const { name, scopes } = input
    const create = Effect.gen(function* () {
      const own = yield* lockOwn(sql, caller)
      yield* checkEnd(own, expiresAt)
      const made = yield* writeKey(sql, prefixes, caller, {
        name,
        role,
        scopes,
        createdBy,
        expiresAt,
        createdWith: own?.id ?? null
      })
      yield* recordEvents(caller.organization.id, {
        type: "api-key.created",
        subject: `api-keys/${made.apiKey.id}`,
        data: { apiKey: made.apiKey.id, role, replacedBy: null }
      })
      yield* audit.append({
        action: "auth.createApiKey",
        outcome: "succeeded",
        status: 201,
        subject: subjectOf(made.apiKey),
        after: digestOf(made.apiKey)
      })
      return made
    })
    return yield* asServer(inTransaction(sql, create))
  })
