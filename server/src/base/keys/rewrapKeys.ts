import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { asServer } from "../database/RowScope.ts"
import { transaction } from "../database/sqlErrors.ts"
import { columns, contextOf, decodeKeyRows, type KeyTable, keyTables } from "./keyRows.ts"
import { MasterKey } from "./MasterKey.ts"

const batch = 100

/**
 * Rewraps some of a table's keys that another master key has wrapped, skipping those that others are rewrapping. Returns
 * how many there were.
 */
const rewrapSome = (table: KeyTable) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const masterKey = yield* MasterKey
    const present = yield* masterKey.presentId
    const rows = yield* sql`
      select ${columns(sql, table)} from ${sql(table.table)} where master_key_id <> ${present}
      limit ${batch} for update skip locked`
    for (const { id, master_key_id, owner, wrapped } of decodeKeyRows(rows)) {
      const context = contextOf(`${table.type}/${owner}`, id)
      const key = yield* masterKey.unwrap({ masterKeyId: master_key_id, bytes: wrapped }, context)
      const again = yield* masterKey.wrap(key, context)
      yield* sql`
        update ${sql(table.table)} set master_key_id = ${again.masterKeyId}, wrapped = ${again.bytes}
        where ${sql(table.owner)} = ${owner} and id = ${id}`
    }
    return rows.length
  }).pipe(transaction, asServer)

/** Rewraps every data key that another master key has wrapped. The data keys stay the same: nobody has to wait. */
export const rewrapKeys = Effect.gen(function* () {
  let rewrapped = 0
  for (const table of keyTables) {
    let some = 0
    do {
      some = yield* rewrapSome(table)
      rewrapped += some
    } while (some > 0)
  }
  return rewrapped
})
