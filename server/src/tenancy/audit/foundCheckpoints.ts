import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Option, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import type { DataKeys, SigningKey } from "../../base/keys/DataKeys.ts"
import { type CheckpointRow, decodeCheckpoints } from "./auditRows.ts"
import type { Chain } from "./chain.ts"
import { asWritten, isSignedBy } from "./checkpoints.ts"

const decodeNames = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ key_id: Schema.String })))
const decodeNumbers = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ sequence: Schema.NumberFromString })))

/** The server's own keys among those that checkpoints of the chain name. The present one is last. */
export const signersOf = (keys: DataKeys["Type"], chain: Chain) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const present = yield* asServer(keys.signingKey)
    const named = decodeNames(
      yield* sql`
        select distinct key_id from audit_checkpoints
        where organization_id = ${chain} and key_id <> ${present.id} and ${sql.literal(asWritten)} order by key_id`
    )
    const former = yield* Effect.forEach(named, (each) => keys.signingKeyOf(each.key_id))
    return [...former.flatMap(Option.toArray), present]
  })

/**
 * The checkpoints after a number, up to another. The server's database role can add rows to the table, but not sign: a
 * checkpoint that none of the server's keys has signed (`others`, by number) proves nothing. A signed one must fit the
 * entries, and is never left out.
 */
export const foundCheckpoints = (signers: ReadonlyArray<SigningKey>, chain: Chain, after: number, upTo: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const between = sql`organization_id = ${chain} and sequence > ${after} and sequence <= ${upTo}`
    const rows = decodeCheckpoints(
      yield* sql`
        select organization_id, sequence, hash, at, key_id, signature from audit_checkpoints
        where ${between} and ${sql.literal(asWritten)} order by sequence`
    )
    const unreadable = decodeNumbers(
      yield* sql`
        select sequence from audit_checkpoints where ${between} and not (${sql.literal(asWritten)}) order by sequence`
    )
    const signed: Array<CheckpointRow> = []
    const others = unreadable.map((each) => each.sequence)
    for (const row of rows) {
      if (signers.some((signer) => isSignedBy(signer, row))) signed.push(row)
      else others.push(row.sequence)
    }
    return { signed, others: others.sort((a, b) => a - b) }
  })

/** `2, 5, 7 and 12 more`. */
export const someOf = (sequences: ReadonlyArray<number>) => {
  const shown = sequences.slice(0, 20).join(", ")
  return sequences.length > 20 ? `${shown} and ${sequences.length - 20} more` : shown
}
