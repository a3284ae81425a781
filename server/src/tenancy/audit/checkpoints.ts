import { SqlClient } from "@effect/sql/SqlClient"
import {
  type AuditCheckpoint,
  type AuditCheckpointLine,
  auditFormatVersion,
  canonicalJson,
  OrganizationId
} from "@maxcloud/sdk/api"
import { Clock, Effect, Schema, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import type { DataKeys, SigningKey } from "../../base/keys/DataKeys.ts"
import { type CheckpointRow, decodeCheckpoints, hex } from "./auditRows.ts"
import type { Chain } from "./chain.ts"
import { BrokenChain, beginning, type Link, sameBytes, verifiedLinks } from "./verifiedLinks.ts"

const checkpointEvery = 256
/** Limit for one pass. The next one does the rest. */
const atMost = 1000

/**
 * Accepts only checkpoints in the server's own form. Others aren't even read: they may have any size, or an invalid
 * time.
 */
export const asWritten =
  "octet_length(signature) = 64 and octet_length(hash) = 32 and octet_length(key_id) <= 100 and at >= '2000-01-01' and at < '9999-01-01'"

const checkpointOf = (row: Omit<CheckpointRow, "signature">): AuditCheckpoint => ({
  type: "maxcloud-audit-checkpoint",
  version: auditFormatVersion,
  organization: row.organization_id,
  sequence: row.sequence,
  hash: hex(row.hash),
  at: row.at.toISOString(),
  keyId: row.key_id
})

const signedBytes = (row: Omit<CheckpointRow, "signature">) => Buffer.from(canonicalJson(checkpointOf(row)), "utf8")

/** Did this key sign the checkpoint? */
export const isSignedBy = (key: SigningKey, { signature, ...row }: CheckpointRow) =>
  row.key_id === key.id && key.verify(signedBytes(row), signature)

export const checkpointLine = (row: CheckpointRow): AuditCheckpointLine => ({
  checkpoint: checkpointOf(row),
  signature: Buffer.from(row.signature).toString("base64")
})

/** Signs the chain's present length, for a head that was read and verified. */
export const signed = (keys: DataKeys["Type"], chain: Chain, { hash, sequence }: Link) =>
  Effect.gen(function* () {
    const key = yield* asServer(keys.signingKey)
    const at = new Date(yield* Clock.currentTimeMillis)
    const unsigned = { organization_id: chain, sequence, hash, at, key_id: key.id }
    return { ...unsigned, signature: key.sign(signedBytes(unsigned)) } satisfies CheckpointRow
  })

/** Signs it, and stores it unless there's one of this length. */
export const sign = (keys: DataKeys["Type"], chain: Chain, head: Link) =>
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

/**
 * Where to start reading: at the last checkpoint if the present key has signed it, because its entries were verified
 * then. Otherwise at the beginning: other keys are only known from the database.
 */
const trustedStart = (keys: DataKeys["Type"], chain: Chain, upTo: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const key = yield* keys.signingKey
    const [last] = decodeCheckpoints(
      yield* sql`
        select organization_id, sequence, hash, at, key_id, signature from audit_checkpoints
        where organization_id = ${chain} and sequence <= ${upTo} and ${sql.literal(asWritten)} order by sequence desc limit 1`
    )
    return last !== undefined && isSignedBy(key, last) ? { sequence: last.sequence, hash: last.hash } : beginning
  })

const Numbers = Schema.compose(Schema.Array(Schema.NumberFromString), Schema.Array(Schema.Int))
const decodeDue = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      organization_id: Schema.Union(Schema.Literal("server"), OrganizationId),
      last: Schema.NumberFromString,
      hash: Schema.Uint8ArrayFromSelf,
      covered: Schema.NumberFromString,
      due: Numbers
    })
  )
)
type Due = ReturnType<typeof decodeDue>[number]

/** Reads a chain from its last checkpoint on, and signs entries that are due and fit. */
const signChain = (keys: DataKeys["Type"], { covered, due, hash, last, organization_id: chain }: Due) =>
  Effect.gen(function* () {
    if (covered > last) {
      return yield* new BrokenChain({ chain, sequence: last, what: `its head is behind its checkpoint ${covered}` })
    }
    const upTo = due.at(-1)
    if (upTo === undefined) return
    const start = yield* trustedStart(keys, chain, covered)
    yield* verifiedLinks(chain, start, upTo).pipe(
      Stream.tap((link) =>
        link.sequence === last && !sameBytes(link.hash, hash)
          ? new BrokenChain({ chain, sequence: last, what: "its head has another hash" })
          : Effect.void
      ),
      Stream.filter((each) => due.includes(each.sequence)),
      Stream.runForEach((link) => sign(keys, chain, link))
    )
  })

/**
 * Signs due entries: every 256th, and the newest once it has waited for an hour; but only what was read since the last
 * checkpoint and fits. If replicas do it at once, one checkpoint is kept. Returns how many chains were due.
 */
export const signDue = (keys: DataKeys["Type"]) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const chains = decodeDue(
      yield* sql`
        with uncovered as (
          select h.organization_id, h.sequence as last, h.hash, coalesce(c.sequence, 0) as covered
          from audit_heads h left join lateral (
            select sequence from audit_checkpoints where organization_id = h.organization_id order by sequence desc limit 1
          ) c on true
          where h.sequence <> coalesce(c.sequence, 0)
        ),
        due as (
          select u.organization_id, s.sequence from uncovered u,
            generate_series((u.covered / ${checkpointEvery} + 1) * ${checkpointEvery}, u.last, ${checkpointEvery}) s (sequence)
          union
          select u.organization_id, u.last from uncovered u join audit_entries e
            on e.organization_id = u.organization_id and e.sequence = u.covered + 1
          where e.at not between now() - interval '1 hour' and now() + interval '1 minute' and u.last > u.covered
          order by 1, 2 limit ${atMost}
        )
        select u.*, coalesce((
          select array_agg(d.sequence::text order by d.sequence) from due d where d.organization_id = u.organization_id
        ), '{}') as due
        from uncovered u
        where u.covered > u.last or exists (select 1 from due d where d.organization_id = u.organization_id)
        order by u.organization_id`
    )
    yield* Effect.forEach(
      chains,
      (chain) =>
        Effect.catchTag(signChain(keys, chain), "BrokenChain", (broken) =>
          Effect.logError(broken.message).pipe(Effect.annotateLogs({ chain: broken.chain }))
        ),
      { discard: true }
    )
    return chains.length
  }).pipe(asServer)
