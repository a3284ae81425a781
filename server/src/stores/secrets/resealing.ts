import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import type { Place } from "../../base/keys/DataKeys.ts"
import { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { existingDataFolderKey } from "../../base/keys/masterKeyFile.ts"
import { isOfDataKey } from "./sealedBefore.ts"
import { open, type SealedRow, seal } from "./sealing.ts"

/** A table with sealed values. */
export interface SealedTable<Row extends SealedRow, Encoded> {
  readonly table: "secret_versions" | "registry_credentials"
  readonly row: Schema.Schema<Row, Encoded>
  readonly organizationOf: (row: Row) => OrganizationId
  readonly placeOf: (row: Row) => Place
}

const decodeKeyIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ key_id: Schema.String })))

/**
 * Reseals values that early versions sealed with the data folder's own key, with the organizations' data keys. Fails if
 * that key is needed and is missing, or is another one. Values that don't open stay unchanged, and their readers get an
 * error.
 */
export const reseal = <Row extends SealedRow, Encoded>(dataDir: string, of: SealedTable<Row, Encoded>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const keyIds = decodeKeyIds(yield* sql`select distinct key_id from ${sql(of.table)}`)
      .map((decodeKeyId) => decodeKeyId.key_id)
      .filter((value) => !isOfDataKey(value))
    if (keyIds.length === 0) return
    const key = yield* existingDataFolderKey(dataDir)
    if (key === undefined) {
      return yield* new MasterKeyError({
        reason: "missing",
        message: `The secrets' key is missing. Restore ${dataDir}/secret.key from a copy. Without it the secrets in the database can't be read, and must be deleted and set again.`
      })
    }
    if (keyIds.some((keyId) => keyId !== key.id)) {
      return yield* new MasterKeyError({
        reason: "wrong",
        message: `The key in ${dataDir}/secret.key isn't the one that sealed the secrets in the database. Restore that one.`
      })
    }
    const rows = Schema.decodeUnknownSync(Schema.Array(of.row))(
      yield* sql`select * from ${sql(of.table)} where key_id = ${key.id}`
    )
    for (const row of rows) {
      const place = of.placeOf(row)
      const value = yield* open(dataDir, of.organizationOf(row), place, row).pipe(
        Effect.catchIf(
          (error) => error.reason === "wrong",
          () => Effect.as(Effect.logWarning(`a sealed value doesn't open: ${place.join(", ")}`), Option.none())
        )
      )
      if (Option.isNone(value)) continue
      const again = yield* seal(of.organizationOf(row), place, value.value)
      // The nonce shows whether it's still the value we opened: another server may have been faster.
      yield* sql`
        update ${sql(of.table)} set key_id = ${again.key_id}, nonce = ${again.nonce}, sealed = ${again.sealed}
        where organization_id = ${of.organizationOf(row)} and key_id = ${row.key_id} and nonce = ${row.nonce}`
    }
  }).pipe(asServer)
