import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { type AuditEntryLine, auditFormat, auditFormatVersion, canonicalJson } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { decodeEntries, entryColumns, hex, recordOf } from "./auditRows.ts"
import { type Chain, genesis } from "./chain.ts"
import { checkpointLine, sign, signed } from "./checkpoints.ts"
import { foundCheckpoints, signersOf, someOf } from "./foundCheckpoints.ts"
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

/**
 * The chain as it is when the export begins: what comes later has a higher number. Rows are read by pages, and exported as they are found,
 * fitting or not: judging them is the verification's part. Checkpoints that the server hasn't signed are left out, and counted at the end.
 * Rows of another organization than the fiber's own (`RowScope`) aren't there.
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
      const signers = yield* signersOf(keys, chain)
      const header = {
        format: auditFormat,
        version: auditFormatVersion,
        organization: chain,
        publicKeys: signers.map(({ id, publicKey }) => ({ id, publicKey }))
      }
      const written = { entries: 0, checkpoints: 0 }
      /** As far as the entries fit, by which the end is signed. */
      let fits: Link = beginning
      let brokenAt: number | undefined
      /** The last entry that a checkpoint of the server covers. */
      let signedFor = 0
      const leftOut: Array<number> = []

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
          const { others, signed: checkpoints } = yield* foundCheckpoints(signers, chain, after, upTo)
          leftOut.push(...others)
          signedFor = checkpoints.at(-1)?.sequence ?? signedFor
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
        if (isWhole && signedFor <= head.sequence && newest === head.sequence) {
          const fresh = yield* keepCheckpoint ? sign(keys, chain, fits) : signed(keys, chain, fits)
          lines.push(canonicalJson(checkpointLine(fresh)))
          written.checkpoints++
        } else {
          const what = "its entries, its head and its checkpoints don't fit each other"
          yield* Effect.logError(new BrokenChain({ chain, sequence: brokenAt ?? fits.sequence, what }).message)
        }
        if (leftOut.length > 0) {
          yield* Effect.logError(
            `The audit log "${chain}" has checkpoints that this server hasn't signed, of entries ${someOf(leftOut)}: somebody with rights on the database added or changed them. Exports leave them out. Run "maxcloud server audit repair ${chain}", as docs/audit.md describes.`
          ).pipe(Effect.annotateLogs({ chain }))
        }
        const told = leftOut.length === 0 ? written : { ...written, leftOut: leftOut.length }
        return Chunk.unsafeFromArray([...lines, canonicalJson({ end: told })])
      })
      return Stream.make(canonicalJson(header)).pipe(
        Stream.concat(Stream.paginateChunkEffect(0, next)),
        Stream.concat(Stream.unwrap(Effect.map(end, Stream.fromChunk)))
      )
    })
  )
