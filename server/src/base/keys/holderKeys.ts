import { randomBytes } from "node:crypto"
import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { Effect, Option, Schema } from "effect"
import { makeBeforeTransaction } from "../database/beforeTransaction.ts"
import { newId } from "../database/newId.ts"
import { asServer } from "../database/RowScope.ts"
import { databaseWords } from "../postgres/DatabaseError.ts"
import type { DataKey, KeyCache } from "./KeyCache.ts"
import { columns, contextOf, decodeKeyRows, type KeyHolder, KeyRow, nameOf, tableOf } from "./keyRows.ts"
import { type MasterKey, MasterKeyError, type Wrapped } from "./MasterKey.ts"
import { publicKeyOf } from "./signingKey.ts"

const keyLength = 32

export const databaseAway = (cause: SqlError) =>
  new MasterKeyError({
    reason: "unreachable",
    message: `The keys are unreachable. ${databaseWords(cause)}`,
    cause
  })

const SealingRow = Schema.Struct({ ...KeyRow.fields, committed: Schema.Boolean })
const decodeSealing = Schema.decodeUnknownSync(Schema.Array(SealingRow))

/** The key service may be slow or away: it isn't asked while a transaction holds locks. */
const unwrapping = makeBeforeTransaction<Uint8Array, MasterKeyError>()
const wrapping = makeBeforeTransaction<Wrapped & { readonly id: string; readonly key: Uint8Array }, MasterKeyError>()

const unwrap = (
  masterKey: MasterKey["Type"],
  cache: KeyCache,
  row: KeyRow,
  holder: string
): Effect.Effect<DataKey, MasterKeyError> =>
  Effect.suspend(() => {
    const known = cache.find(row.id)
    if (known?.owner === holder) return Effect.succeed(known)
    const wrapped = { masterKeyId: row.master_key_id, bytes: row.wrapped }
    const bytes = unwrapping(row.id, masterKey.unwrap(wrapped, contextOf(holder, row.id)))
    return Effect.map(bytes, (found) => {
      const key = { id: row.id, owner: holder, bytes: found }
      cache.keep(key)
      return key
    })
  })

/**
 * The key that currently seals. A key that this very transaction created isn't committed yet: its row is as old as the
 * transaction.
 */
const newest = (sql: SqlClient, holder: KeyHolder) => {
  const table = tableOf(holder)
  return sql`
    select ${columns(sql, table)}, created_at <> transaction_timestamp() as committed from ${sql(table.table)}
    where ${sql(table.owner)} = ${holder.id} ${table.type === "person" ? sql`` : sql`and retired_at is null`}`.pipe(
    asServer,
    Effect.map((rows) => decodeSealing(rows)[0])
  )
}

/** Creates a key if none seals. If several callers do so at once, one key is kept. */
export const makeKey = Effect.fn("DataKeys.make")(function* (
  sql: SqlClient,
  masterKey: MasterKey["Type"],
  cache: KeyCache,
  holder: KeyHolder
) {
  const name = nameOf(holder)
  const wrapped = yield* wrapping(
    name,
    Effect.suspend(() => {
      const id = newId("dk")
      const key = randomBytes(keyLength)
      return Effect.map(masterKey.wrap(key, contextOf(name, id)), (made) => ({ ...made, id, key }))
    })
  )
  const { id, key: bytes } = wrapped
  const row = { id, master_key_id: wrapped.masterKeyId, wrapped: wrapped.bytes }
  // If another caller's key is kept instead, nobody asks for this one.
  cache.keep({ id, owner: name, bytes })
  const insert =
    holder.type === "organization"
      ? sql`insert into organization_keys ${sql.insert({ ...row, organization_id: holder.id })}
            on conflict (organization_id) where retired_at is null do nothing`
      : holder.type === "person"
        ? sql`insert into person_keys ${sql.insert({ ...row, person_id: holder.id })} on conflict (person_id) do nothing`
        : sql`insert into server_keys ${sql.insert({
            ...row,
            purpose: holder.id,
            public_key: holder.id === "signing" ? publicKeyOf(bytes) : null
          })} on conflict (purpose) where retired_at is null do nothing`
  yield* asServer(insert)
})

/** The key that currently seals an owner's values. Creates it if it doesn't exist. */
export const sealingKey = (
  sql: SqlClient,
  masterKey: MasterKey["Type"],
  cache: KeyCache,
  holder: KeyHolder
): Effect.Effect<DataKey, MasterKeyError> =>
  Effect.gen(function* () {
    const name = nameOf(holder)
    const known = cache.sealing(name)
    if (known !== undefined) return known
    const found = yield* newest(sql, holder)
    if (found === undefined) yield* makeKey(sql, masterKey, cache, holder)
    const row = found ?? (yield* newest(sql, holder))
    if (row === undefined) return yield* Effect.dieMessage(`the key of ${name} was erased while it was created`)
    const key = yield* unwrap(masterKey, cache, row, name)
    if (row.committed) cache.keepSealing(key)
    return key
  }).pipe(Effect.catchTag("SqlError", databaseAway))

/** An owner's key by its name, unless it was erased. */
export const openingKey = (
  sql: SqlClient,
  masterKey: MasterKey["Type"],
  cache: KeyCache,
  holder: KeyHolder,
  keyId: string
) =>
  Effect.gen(function* () {
    const name = nameOf(holder)
    const known = cache.find(keyId)
    if (known !== undefined) return known.owner === name ? Option.some(known) : Option.none()
    const table = tableOf(holder)
    const rows = yield* sql`
      select ${columns(sql, table)} from ${sql(table.table)}
      where ${sql(table.owner)} = ${holder.id} and id = ${keyId}`.pipe(asServer)
    const row = decodeKeyRows(rows)[0]
    return row === undefined ? Option.none() : Option.some(yield* unwrap(masterKey, cache, row, name))
  }).pipe(Effect.catchTag("SqlError", databaseAway))
