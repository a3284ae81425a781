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
import { BrokenChain, beginning, type Link, nextLink, sameBytes } from "./verifiedLinks.ts"

const page = 500

const decodeBounds = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      sequence: Schema.NullOr(Schema.NumberFromString),
      hash: Schema.NullOr(Schema.Uint8ArrayFromSelf),
      signed: Schema.NumberFromString,
      newest: Schema.NumberFromString
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
            coalesce((select max(sequence) from audit_checkpoints where organization_id = ${chain}), 0) as signed,
            coalesce((select max(sequence) from audit_entries where organization_id = ${chain}), 0) as newest`
      )
      const head = { sequence: bounds?.sequence ?? 0, hash: bounds?.hash ?? genesis }
      const upToSigned = bounds?.signed ?? 0
      const newest = bounds?.newest ?? 0
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
      /** As far as the entries fit, by which the end is signed. */
      let fits: Link = beginning
      let brokenAt: number | undefined

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
              lines.push(canonicalJson(checkpointLine(checkpoint)))
              written.checkpoints++
            }
          }
          for (const row of entries) {
            checkpointsUpTo(row.sequence - 1)
            const link = brokenAt === undefined ? nextLink(fits, row) : undefined
            if (link === undefined) brokenAt ??= fits.sequence + 1
            else fits = link
            const line: AuditEntryLine = { entry: recordOf(row), hash: hex(row.hash), opened: yield* open(keys, row) }
            lines.push(canonicalJson(line))
            written.entries++
          }
          checkpointsUpTo(upTo)
          const rest: Option.Option<number> = last === undefined ? Option.none() : Option.some(last)
          return [Chunk.unsafeFromArray(lines), rest] as const
        })

      /** A checkpoint of what was read, if it fits and the head says the same; where it doesn't, nothing is signed, and verification tells. */
      const end = Effect.gen(function* () {
        const lines: Array<string> = []
        const isWhole = brokenAt === undefined && fits.sequence === head.sequence && sameBytes(fits.hash, head.hash)
        if (isWhole && upToSigned <= head.sequence && newest === head.sequence) {
          const fresh = yield* keepCheckpoint ? sign(keys, chain, fits) : signed(keys, chain, fits)
          lines.push(canonicalJson(checkpointLine(fresh)))
          written.checkpoints++
        } else {
          const what = "its entries, its head and its checkpoints don't fit each other"
          yield* Effect.logError(new BrokenChain({ chain, sequence: brokenAt ?? fits.sequence, what }).message)
        }
        return Chunk.unsafeFromArray([...lines, canonicalJson({ end: written })])
      })
      return Stream.make(canonicalJson(header)).pipe(
        Stream.concat(Stream.paginateChunkEffect(0, next)),
        Stream.concat(Stream.unwrap(Effect.map(end, Stream.fromChunk)))
      )
    })
  )
