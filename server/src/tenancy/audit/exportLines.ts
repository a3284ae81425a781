import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { type AuditEntryLine, auditFormat, auditFormatVersion, canonicalJson } from "@maxcloud/sdk/api"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import type { DataKeys, SigningKey } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { type CheckpointRow, decodeEntries, type EntryRow, entryColumns, hex, recordOf } from "./auditRows.ts"
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

interface Bounds {
  readonly head: Link
  /** The last entry that any checkpoint names. */
  readonly upToSigned: number
  readonly newest: number
}

const boundsOf = (chain: Chain) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    // In one statement, so that a signature beyond the head proves that something is missing.
    const [bounds] = decodeBounds(
      yield* sql`
        select (select sequence from audit_heads where organization_id = ${chain}),
          (select hash from audit_heads where organization_id = ${chain}),
          coalesce((select max(sequence) from audit_checkpoints where organization_id = ${chain}), 0) as signed,
          coalesce((select max(sequence) from audit_entries where organization_id = ${chain}), 0) as newest`
    )
    return {
      head: { sequence: bounds?.sequence ?? 0, hash: bounds?.hash ?? genesis },
      upToSigned: bounds?.signed ?? 0,
      newest: bounds?.newest ?? 0
    } satisfies Bounds
  })

/** The progress of a chain's export. */
interface Exported {
  /** The last entry. */
  readonly after: number
  /** There are no more entries; only the end is left. */
  readonly isRead: boolean
  /** How far the entries fit, which determines what the end signs. */
  readonly fits: Link
  /** The first entry that doesn't fit. */
  readonly brokenAt: number | undefined
  /** The last entry that a checkpoint of the server covers. */
  readonly signedFor: number
  readonly leftOut: ReadonlyArray<number>
  readonly entries: number
  readonly checkpoints: number
}

const nothing: Exported = {
  after: 0,
  isRead: false,
  fits: beginning,
  brokenAt: undefined,
  signedFor: 0,
  leftOut: [],
  entries: 0,
  checkpoints: 0
}

/** The progress after these entries. */
const followed = ({ brokenAt, fits }: Exported, entries: ReadonlyArray<EntryRow>) => {
  let last = fits
  if (brokenAt !== undefined) return { brokenAt, fits }
  for (const row of entries) {
    const link = nextLink(last, row)
    if (link === undefined) return { brokenAt: last.sequence + 1, fits: last }
    last = link
  }
  return { brokenAt, fits: last }
}

/** A line for each entry, with each checkpoint after its entry. Both in the order of their numbers. */
const merged = (
  entries: ReadonlyArray<{ readonly sequence: number; readonly line: string }>,
  checkpoints: ReadonlyArray<CheckpointRow>
) => {
  const lines: Array<string> = []
  let following = 0
  for (const { line, sequence } of entries) {
    for (; (checkpoints[following]?.sequence ?? sequence) < sequence; following++) {
      lines.push(...checkpoints.slice(following, following + 1).map(checkpointText))
    }
    lines.push(line)
  }
  return [...lines, ...checkpoints.slice(following).map(checkpointText)]
}

const checkpointText = (row: CheckpointRow) => canonicalJson(checkpointLine(row))

/** The next entries, with the checkpoints up to the last of them; after the last entry, checkpoints of missing ones. */
const nextPage = (
  keys: DataKeys["Type"],
  signers: ReadonlyArray<SigningKey>,
  chain: Chain,
  { head, upToSigned }: Bounds,
  before: Exported
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const entries = decodeEntries(
      yield* sql`
        select ${sql.literal(entryColumns)}
        from audit_entries where organization_id = ${chain} and sequence > ${before.after} and sequence <= ${head.sequence}
        order by sequence limit ${page}`
    )
    const last = entries.at(-1)?.sequence
    const upTo = last === undefined ? Math.max(upToSigned, head.sequence) : last
    const { others, signed: checkpoints } = yield* foundCheckpoints(signers, chain, before.after, upTo)
    const lines = yield* Effect.forEach(entries, (row) =>
      Effect.map(open(keys, row), (opened) => {
        const line: AuditEntryLine = { entry: recordOf(row), hash: hex(row.hash), opened }
        return { sequence: row.sequence, line: canonicalJson(line) }
      })
    )
    const exported: Exported = {
      ...followed(before, entries),
      after: last ?? before.after,
      isRead: last === undefined,
      signedFor: checkpoints.at(-1)?.sequence ?? before.signedFor,
      leftOut: [...before.leftOut, ...others],
      entries: before.entries + entries.length,
      checkpoints: before.checkpoints + checkpoints.length
    }
    return [Chunk.unsafeFromArray(merged(lines, checkpoints)), Option.some(exported)] as const
  })

/**
 * A checkpoint of the entries that were read, if they fit and the head agrees. Otherwise nothing is signed, and
 * verification reports it.
 */
const lastCheckpoint = (
  keys: DataKeys["Type"],
  chain: Chain,
  keepCheckpoint: boolean,
  { head, newest }: Bounds,
  { brokenAt, fits, signedFor }: Exported
) =>
  Effect.gen(function* () {
    const isWhole = brokenAt === undefined && fits.sequence === head.sequence && sameBytes(fits.hash, head.hash)
    if (isWhole && signedFor <= head.sequence && newest === head.sequence) {
      return [checkpointText(yield* keepCheckpoint ? sign(keys, chain, fits) : signed(keys, chain, fits))]
    }
    const what = "its entries, its head and its checkpoints don't fit each other"
    yield* Effect.logError(new BrokenChain({ chain, sequence: brokenAt ?? fits.sequence, what }).message)
    return []
  })

const endOf = (keys: DataKeys["Type"], chain: Chain, keepCheckpoint: boolean, bounds: Bounds, exported: Exported) =>
  Effect.gen(function* () {
    const { entries, leftOut } = exported
    const lines = yield* lastCheckpoint(keys, chain, keepCheckpoint, bounds, exported)
    if (leftOut.length > 0) {
      yield* Effect.logError(
        `The audit log "${chain}" has checkpoints that this server hasn't signed, of entries ${someOf(leftOut)}: somebody with rights on the database added or changed them. Exports leave them out. Run "maxcloud server audit repair ${chain}", as docs/audit.md describes.`
      ).pipe(Effect.annotateLogs({ chain }))
    }
    const written = { entries, checkpoints: exported.checkpoints + lines.length }
    const told = leftOut.length === 0 ? written : { ...written, leftOut: leftOut.length }
    return [Chunk.unsafeFromArray([...lines, canonicalJson({ end: told })]), Option.none<Exported>()] as const
  })

/**
 * Exports the chain up to its present end; later entries have higher numbers. Rows are read in pages, and exported
 * unchanged, even if they don't fit: judging them is the verification's task. Checkpoints that the server hasn't signed
 * are left out, and counted at the end. Only rows of the fiber's own organization (`RowScope`) are visible.
 */
export const exportLines = (
  keys: DataKeys["Type"],
  chain: Chain,
  { keepCheckpoint = true }: { readonly keepCheckpoint?: boolean } = {}
): Stream.Stream<string, SqlError | MasterKeyError, SqlClient> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const bounds = yield* boundsOf(chain)
      const signers = yield* signersOf(keys, chain)
      const header = {
        format: auditFormat,
        version: auditFormatVersion,
        organization: chain,
        publicKeys: signers.map(({ id, publicKey }) => ({ id, publicKey }))
      }
      const lines = Stream.paginateChunkEffect(nothing, (exported) =>
        exported.isRead
          ? endOf(keys, chain, keepCheckpoint, bounds, exported)
          : nextPage(keys, signers, chain, bounds, exported)
      )
      return Stream.concat(Stream.make(canonicalJson(header)), lines)
    })
  )
