import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { asServer } from "../database/RowScope.ts"
import { columns, contextOf, decodeKeyRows, type KeyTable, keyTables } from "./keyRows.ts"
import { MasterKey } from "./MasterKey.ts"

const batch = 100

/**
 * Rewraps some of a table's keys that another master key has wrapped. Without a transaction,
 * which would hold their locks while the key service answers: a key that was rewrapped or erased meanwhile stays as it is.
 */
const rewrapSome = (table: KeyTable) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const masterKey = yield* MasterKey
    const present = yield* masterKey.presentId
    const rows = yield* sql`
      select ${columns(sql, table)} from ${sql(table.table)} where master_key_id <> ${present} limit ${batch}`
    let rewrapped = 0
    for (const { id, master_key_id, owner, wrapped } of decodeKeyRows(rows)) {
      const context = contextOf(`${table.type}/${owner}`, id)
      const key = yield* masterKey.unwrap({ masterKeyId: master_key_id, bytes: wrapped }, context)
      const again = yield* masterKey.wrap(key, context)
      const changed = yield* sql`
        update ${sql(table.table)} set master_key_id = ${again.masterKeyId}, wrapped = ${again.bytes}
        where ${sql(table.owner)} = ${owner} and id = ${id} and master_key_id = ${master_key_id} returning 1`
      rewrapped += changed.length
    }
    return { found: rows.length, rewrapped }
  }).pipe(asServer)

/** Rewraps every data key that another master key has wrapped. The data keys stay the same: nobody has to wait. */
export const rewrapKeys = Effect.gen(function* () {
  let rewrapped = 0
  for (const table of keyTables) {
    for (;;) {
      const some = yield* rewrapSome(table)
      if (some.found === 0) break
      rewrapped += some.rewrapped
    }
  }
  return rewrapped
})
