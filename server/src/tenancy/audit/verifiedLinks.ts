import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Chunk, Data, Effect, Option, Stream } from "effect"
import { decodeEntries, type EntryRow, entryColumns, recordOf } from "./auditRows.ts"
import { type Chain, genesis, hashOf } from "./chain.ts"

/** The end of the part of a chain that was read: an entry's number and hash. */
export interface Link {
  readonly sequence: number
  readonly hash: Uint8Array
}

export const beginning: Link = { sequence: 0, hash: genesis }

/** Entries of a log were changed, moved or removed, or its head was. */
export class BrokenChain extends Data.TaggedError("BrokenChain")<{
  readonly chain: Chain
  /** The last entry that fits, or the one at fault. */
  readonly sequence: number
  readonly what: string
}> {
  override get message() {
    return `The audit log "${this.chain}" was tampered with at entry ${this.sequence}: ${this.what}. It's no longer signed. Run "maxcloud server audit repair ${this.chain}", as docs/audit.md describes.`
  }
}

export const sameBytes = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

/** The next link, if the entry continues the chain. */
export const nextLink = ({ hash, sequence }: Link, entry: EntryRow): Link | undefined =>
  entry.sequence === sequence + 1 && sameBytes(hashOf(hash, recordOf(entry)), entry.hash)
    ? { sequence: entry.sequence, hash: entry.hash }
    : undefined

const page = 500

/**
 * Reads the entries after `start` up to a number, page by page, and emits each link that fits. Fails at the first that
 * doesn't.
 */
export const verifiedLinks = (
  chain: Chain,
  start: Link,
  upTo: number
): Stream.Stream<Link, SqlError | BrokenChain, SqlClient> =>
  Stream.paginateChunkEffect(start, (from) =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const entries = decodeEntries(
        yield* sql`
          select ${sql.literal(entryColumns)} from public.audit_entries
          where organization_id = ${chain} and sequence > ${from.sequence} and sequence <= ${upTo}
          order by sequence limit ${page}`
      )
      const links: Array<Link> = []
      let last = from
      for (const entry of entries) {
        const next = nextLink(last, entry)
        if (next === undefined) {
          const sequence = last.sequence + 1
          return yield* new BrokenChain({ chain, sequence, what: "it was changed, moved or removed" })
        }
        last = next
        links.push(next)
      }
      if (entries.length === 0 && last.sequence < upTo) {
        return yield* new BrokenChain({ chain, sequence: last.sequence + 1, what: "it is missing" })
      }
      const isDone = last.sequence >= upTo
      return [Chunk.unsafeFromArray(links), isDone ? Option.none() : Option.some(last)] as const
    })
  )
