import { SqlClient } from "@effect/sql/SqlClient"
import {
  type AuditCheckpoint,
  type AuditCheckpointLine,
  auditFormatVersion,
  canonicalJson,
  OrganizationId
} from "@maxcloud/sdk/api"
import { Clock, Effect, Schema } from "effect"
import { asServer } from "../database/RowScope.ts"
import type { DataKeys } from "../keys/DataKeys.ts"
import { type CheckpointRow, hex } from "./auditRows.ts"
import type { Chain } from "./chain.ts"

export const checkpointEvery = 256
/** Of one look; the rest comes with the next. */
const atMost = 1000

const checkpointOf = (row: Omit<CheckpointRow, "signature">): AuditCheckpoint => ({
  type: "maxcloud-audit-checkpoint",
  version: auditFormatVersion,
  organization: row.organization_id,
  sequence: row.sequence,
  hash: hex(row.hash),
  at: row.at.toISOString(),
  keyId: row.key_id
})

export const checkpointLine = (row: CheckpointRow): AuditCheckpointLine => ({
  checkpoint: checkpointOf(row),
  signature: Buffer.from(row.signature).toString("base64")
})

interface Head {
  readonly sequence: number
  readonly hash: Uint8Array
}

/** Signs that the chain is so long now. */
export const signed = (keys: DataKeys["Type"], chain: Chain, { hash, sequence }: Head) =>
  Effect.gen(function* () {
    const key = yield* asServer(keys.signingKey)
    const at = new Date(yield* Clock.currentTimeMillis)
    const unsigned = { organization_id: chain, sequence, hash, at, key_id: key.id }
    return {
      ...unsigned,
      signature: key.sign(Buffer.from(canonicalJson(checkpointOf(unsigned)), "utf8"))
    } satisfies CheckpointRow
  })

/** Signs it, and keeps it where there is none of that length yet. */
export const sign = (keys: DataKeys["Type"], chain: Chain, head: Head) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const row = yield* signed(keys, chain, head)
    const { at, hash, key_id, sequence, signature } = row
    if (sequence > 0) {
      yield* sql`
        insert into audit_checkpoints (organization_id, sequence, hash, at, key_id, signature)
        values (${chain}, ${sequence}, ${hash}, ${at}, ${key_id}, ${signature})
        on conflict (organization_id, sequence) do nothing`
    }
    return row
  })

const decodeDue = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization_id: Schema.Union(Schema.Literal("server"), OrganizationId),
      sequence: Schema.NumberFromString,
      hash: Schema.Uint8ArrayFromSelf
    })
  )
)

/**
 * Signs what is due: every 256th entry, and the newest where an entry has gone without for an hour. Replicas that do it at once keep one
 * checkpoint of them. Gives how many were due.
 */
export const signDue = (keys: DataKeys["Type"]) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const due = decodeDue(
      yield* asServer(sql`
        with uncovered as (
          select h.organization_id, h.sequence as last, coalesce(c.sequence, 0) as covered
          from audit_heads h left join lateral (
            select sequence from audit_checkpoints where organization_id = h.organization_id order by sequence desc limit 1
          ) c on true
          where h.sequence > coalesce(c.sequence, 0)
        ),
        due as (
          select u.organization_id, s.sequence from uncovered u,
            generate_series((u.covered / ${checkpointEvery} + 1) * ${checkpointEvery}, u.last, ${checkpointEvery}) s (sequence)
          union
          select u.organization_id, u.last from uncovered u join audit_entries e
            on e.organization_id = u.organization_id and e.sequence = u.covered + 1
          where e.at < now() - interval '1 hour'
          order by 1, 2 limit ${atMost}
        )
        select organization_id, sequence, hash from due join audit_entries using (organization_id, sequence)
        order by organization_id, sequence`)
    )
    yield* Effect.forEach(due, (_) => sign(keys, _.organization_id, _), { discard: true })
    return due.length
  })
