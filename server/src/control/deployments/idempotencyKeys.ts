import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { Conflict } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Requested } from "./acceptInput.ts"
import { canonical } from "./canonical.ts"

const decodeKey = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ request_hash: Schema.String, deployment_id: Schema.String }))
)

export const digest = (text: string) => createHash("sha256").update(text).digest("hex")

/** Of everything that a request says. A rollback's spec is that of the deployment that `origin` names. */
const hashOf = ({ app, encoded, forceConflicts = false, origin, planId, stage }: Requested) =>
  digest(canonical([app, stage, encoded, origin, forceConflicts, planId ?? null]))

const repeated = (row: ReturnType<typeof decodeKey>[number], input: Requested) =>
  row.request_hash === hashOf(input)
    ? Effect.succeed(row.deployment_id)
    : new Conflict({
        detail: `The idempotency key "${input.idempotencyKey}" was used for another deployment. Use a new key for a new deployment.`
      })

/** The deployment that was accepted with this key before, if any. */
export const findRepeated = (input: Requested) =>
  Effect.gen(function* () {
    if (input.idempotencyKey === undefined) return undefined
    const sql = yield* SqlClient
    const rows = decodeKey(
      yield* sql`
        select request_hash, deployment_id from idempotency_keys
        where organization_id = ${input.organization.id} and key = ${input.idempotencyKey}`
    )
    return rows[0] === undefined ? undefined : yield* repeated(rows[0], input)
  })

/** Stores the key of a deployment `id` that is about to be written; returns the id of an earlier one with the same key. */
export const keepKey = (input: Requested, id: string) =>
  Effect.gen(function* () {
    if (input.idempotencyKey === undefined) return undefined
    const sql = yield* SqlClient
    // If two requests have the same key, the second waits here for the first.
    const mine = yield* sql`
      insert into idempotency_keys (organization_id, key, request_hash, deployment_id)
      values (${input.organization.id}, ${input.idempotencyKey}, ${hashOf(input)}, ${id})
      on conflict do nothing returning 1`
    const earlier = mine.length === 0 ? yield* findRepeated(input) : undefined
    if (earlier === undefined) {
      yield* sql`delete from idempotency_keys where created_at < now() - interval '7 days'`
    }
    return earlier
  })
