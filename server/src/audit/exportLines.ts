import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { type AuditEntryLine, auditFormat, auditFormatVersion, canonicalJson } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { asServer } from "../database/RowScope.ts"
import type { DataKeys } from "../keys/DataKeys.ts"
import type { MasterKeyError } from "../keys/MasterKey.ts"
import { decodeCheckpoints, decodeEntries, entryColumns, hex, recordOf } from "./auditRows.ts"
import { type Chain, genesis } from "./chain.ts"
import { checkpointLine, sign, signed } from "./checkpoints.ts"
import { open } from "./sealing.ts"

const page = 500

const decodeBounds = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      sequence: Schema.NullOr(Schema.NumberFromString),
      hash: Schema.NullOr(Schema.Uint8ArrayFromSelf),
      signed: Schema.NumberFromString
    })
  )
)
const decodeKeys = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: Schema.String, public_key: Schema.String }))
)

/**
 * The chain as it is when the export begins: what comes later has a higher number. Rows are read by pages, and exported as they are found,
 * fitting or not: judging them is the verification's part. Those of another organization than the fiber's own (`RowScope`) are not there.
 */
export const exportLines = (
  keys: DataKeys["Type"],
  chain: Chain,
  { keepCheckpoint = true }: { readonly keepCheckpoint?: boolean } = {}
): Stream.Stream<string, SqlError | MasterKeyError, SqlClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      // In one statement: a signature of more than the head says is then proof that something is missing.
      const [bounds] = decodeBounds(
        yield* sql`
          select (select sequence from audit_heads where organization_id = ${chain}),
            (select hash from audit_heads where organization_id = ${chain}),
            coalesce((select max(sequence) from audit_checkpoints where organization_id = ${chain}), 0) as signed`
      )
      const head = { sequence: bounds?.sequence ?? 0, hash: bounds?.hash ?? genesis }
      const upToSigned = bounds?.signed ?? 0
      const fresh = yield* keepCheckpoint ? sign(keys, chain, head) : signed(keys, chain, head)
      const present = yield* asServer(keys.signingKey)
      const used = yield* sql<{ key_id: string }>`
        select distinct key_id from audit_checkpoints where organization_id = ${chain}
          and sequence <= ${Math.max(upToSigned, head.sequence)}`
      const former = decodeKeys(
        yield* asServer(sql`
          select id, public_key from server_keys where public_key is not null and id <> ${present.id}
            and id in (select jsonb_array_elements_text(${JSON.stringify(used.map((_) => _.key_id))}::jsonb)) order by id`)
      )
      const header = {
        format: auditFormat,
        version: auditFormatVersion,
        organization: chain,
        publicKeys: [
          ...former.map((_) => ({ id: _.id, publicKey: _.public_key })),
          { id: present.id, publicKey: present.publicKey }
        ]
      }
      const written = { entries: 0, checkpoints: 0 }

      /** The next entries, with the checkpoints up to the last of them; after the last entry, checkpoints of what is missing. */
      const next = (after: number) =>
        Effect.gen(function* () {
          const entries = decodeEntries(
            yield* sql`
              select ${sql.literal(entryColumns)}
              from audit_entries where organization_id = ${chain} and sequence > ${after} and sequence <= ${head.sequence}
              order by sequence limit ${page}`
          )
          const last = entries.at(-1)?.sequence
          const upTo = last === undefined ? Math.max(upToSigned, head.sequence) : last
          const checkpoints = decodeCheckpoints(
            yield* sql`
              select organization_id, sequence, hash, at, key_id, signature from audit_checkpoints
              where organization_id = ${chain} and sequence > ${after} and sequence <= ${upTo} order by sequence`
          )
          const lines: Array<string> = []
          let following = 0
          const checkpointsUpTo = (sequence: number) => {
            for (; following < checkpoints.length; following++) {
              const checkpoint = checkpoints[following]
              if (checkpoint === undefined || checkpoint.sequence > sequence) return
              // The fresh one comes at the end.
              if (Buffer.compare(checkpoint.signature, fresh.signature) === 0) continue
              lines.push(canonicalJson(checkpointLine(checkpoint)))
              written.checkpoints++
            }
          }
          for (const row of entries) {
            checkpointsUpTo(row.sequence - 1)
            const line: AuditEntryLine = { entry: recordOf(row), hash: hex(row.hash), opened: yield* open(keys, row) }
            lines.push(canonicalJson(line))
            written.entries++
          }
          checkpointsUpTo(upTo)
          const rest: Option.Option<number> = last === undefined ? Option.none() : Option.some(last)
          return [Chunk.unsafeFromArray(lines), rest] as const
        })

      const end = Stream.sync(() => {
        const checkpoints = written.checkpoints + 1
        return `${canonicalJson(checkpointLine(fresh))}\n${canonicalJson({ end: { entries: written.entries, checkpoints } })}`
      })
      return Stream.make(canonicalJson(header)).pipe(
        Stream.concat(Stream.paginateChunkEffect(0, next)),
        Stream.concat(Stream.flatMap(end, (_) => Stream.fromIterable(_.split("\n"))))
      )
    })
  )
