import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import { asServer } from "../database/RowScope.ts"
import { notTheOne } from "./heldKey.ts"
import { columns, contextOf, decodeKeyRows, keyTables } from "./keyRows.ts"
import { MasterKey, MasterKeyError } from "./MasterKey.ts"

/** Fails unless the present or a former master key has wrapped the data keys in the database. */
export const checkMasterKey = Effect.gen(function* () {
  const sql = yield* SqlClient
  const masterKey = yield* MasterKey
  for (const table of keyTables) {
    const rows = yield* sql`
      select distinct on (master_key_id) ${columns(sql, table)} from ${sql(table.table)} order by master_key_id`.pipe(
      asServer
    )
    for (const { id, master_key_id, owner, wrapped } of decodeKeyRows(rows)) {
      if (!masterKey.holds(master_key_id)) {
        return yield* new MasterKeyError({ reason: "wrong", message: notTheOne(masterKey.name) })
      }
      yield* masterKey.unwrap({ masterKeyId: master_key_id, bytes: wrapped }, contextOf(`${table.type}/${owner}`, id))
    }
  }
})
