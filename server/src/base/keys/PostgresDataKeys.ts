import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted, Schema } from "effect"
import { newId } from "../database/newId.ts"
import { asServer } from "../database/RowScope.ts"
import { transaction } from "../database/sqlErrors.ts"
import { databaseWords } from "../postgres/DatabaseError.ts"
import { decrypt, encrypt } from "./aesGcm.ts"
import { checkMasterKey } from "./checkMasterKey.ts"
import { DataKeys, type KeyOwner, type Place, type SealedValue } from "./DataKeys.ts"
import { type DataKey, makeKeyCache } from "./KeyCache.ts"
import { columns, contextOf, decodeKeyRows, holderOf, type KeyHolder, KeyRow, nameOf, tableOf } from "./keyRows.ts"
import { MasterKey, MasterKeyError } from "./MasterKey.ts"
import { rewrapKeys } from "./rewrapKeys.ts"
import { publicKeyOf, signingKeyOf } from "./signingKey.ts"

const keyLength = 32
const cached = 10_000

/** For how long a server keeps data keys in memory. */
export const cacheMs = 5 * 60_000

const additional = (place: Place) => JSON.stringify(place)

export const databaseAway = (cause: SqlError) =>
  new MasterKeyError({
    reason: "unreachable",
    message: `The keys are unreachable. ${databaseWords(cause)}`,
    cause
  })

const SealingRow = Schema.Struct({ ...KeyRow.fields, committed: Schema.Boolean })
const decodeSealing = Schema.decodeUnknownSync(Schema.Array(SealingRow))

/** Data keys in the database, wrapped. Fails to start where the master key is not the one that they were wrapped with. */
export const layer = Layer.effect(
  DataKeys,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const masterKey = yield* MasterKey
    const cache = makeKeyCache(cached, cacheMs)
    yield* checkMasterKey.pipe(Effect.catchTag("SqlError", databaseAway))

    const unwrap = (row: KeyRow, holder: string): Effect.Effect<DataKey, MasterKeyError> =>
      Effect.suspend(() => {
        const known = cache.find(row.id)
        if (known?.owner === holder) return Effect.succeed(known)
        const wrapped = { masterKeyId: row.master_key_id, bytes: row.wrapped }
        return Effect.map(masterKey.unwrap(wrapped, contextOf(holder, row.id)), (bytes) => {
          const key = { id: row.id, owner: holder, bytes }
          cache.keep(key)
          return key
        })
      })

    /** The key that seals now. One that this very transaction has made is not committed yet: its row is as old as the transaction. */
    const newest = (holder: KeyHolder) => {
      const table = tableOf(holder)
      return sql`
        select ${columns(sql, table)}, created_at <> transaction_timestamp() as committed from ${sql(table.table)}
        where ${sql(table.owner)} = ${holder.id} ${table.type === "person" ? sql`` : sql`and retired_at is null`}`.pipe(
        asServer,
        Effect.map((rows) => decodeSealing(rows)[0])
      )
    }

    /** Makes a key where none seals; of several that do so at once, one's is kept. */
    const make = Effect.fn("DataKeys.make")(function* (holder: KeyHolder) {
      const id = newId("dk")
      const bytes = randomBytes(keyLength)
      const wrapped = yield* masterKey.wrap(bytes, contextOf(nameOf(holder), id))
      const row = { id, master_key_id: wrapped.masterKeyId, wrapped: wrapped.bytes }
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

    const sealingKey = (holder: KeyHolder): Effect.Effect<DataKey, MasterKeyError> =>
      Effect.gen(function* () {
        const name = nameOf(holder)
        const known = cache.sealing(name)
        if (known !== undefined) return known
        const found = yield* newest(holder)
        if (found === undefined) yield* make(holder)
        const row = found ?? (yield* newest(holder))
        if (row === undefined) return yield* Effect.dieMessage(`the key of ${name} was erased while it was made`)
        const key = yield* unwrap(row, name)
        if (row.committed) cache.keepSealing(key)
        return key
      }).pipe(Effect.catchTag("SqlError", databaseAway))

    const openingKey = (holder: KeyHolder, keyId: string) =>
      Effect.gen(function* () {
        const name = nameOf(holder)
        const known = cache.find(keyId)
        if (known !== undefined) return known.owner === name ? Option.some(known) : Option.none()
        const table = tableOf(holder)
        const rows = yield* sql`
          select ${columns(sql, table)} from ${sql(table.table)}
          where ${sql(table.owner)} = ${holder.id} and id = ${keyId}`.pipe(asServer)
        const row = decodeKeyRows(rows)[0]
        return row === undefined ? Option.none() : Option.some(yield* unwrap(row, name))
      }).pipe(Effect.catchTag("SqlError", databaseAway))

    const seal = Effect.fn("DataKeys.seal")(function* (owner: KeyOwner, place: Place, value: Redacted.Redacted) {
      const { bytes, id } = yield* sealingKey(holderOf(owner))
      return { keyId: id, bytes: encrypt(bytes, additional(place), Buffer.from(Redacted.value(value), "utf8")) }
    })

    const open = Effect.fn("DataKeys.open")(function* (owner: KeyOwner, place: Place, { bytes, keyId }: SealedValue) {
      const key = yield* openingKey(holderOf(owner), keyId)
      if (Option.isNone(key)) return Option.none<Redacted.Redacted>()
      return yield* Effect.try({
        try: () => Option.some(Redacted.make(decrypt(key.value.bytes, additional(place), bytes).toString("utf8"))),
        catch: () =>
          new MasterKeyError({
            reason: "wrong",
            message: "A sealed value does not open: it was changed in the database, or is not where it was sealed for."
          })
      })
    })

    const erase = Effect.fn("DataKeys.erase")(function* (owner: KeyOwner) {
      const holder = holderOf(owner)
      const table = tableOf(holder)
      yield* sql`delete from ${sql(table.table)} where ${sql(table.owner)} = ${holder.id}`.pipe(
        asServer,
        Effect.mapError(databaseAway)
      )
      cache.erase(nameOf(holder))
    })

    const renew = Effect.fn("DataKeys.renew")(
      function* (organizationId: OrganizationId) {
        const holder: KeyHolder = { type: "organization", id: organizationId }
        yield* asServer(sql`
          update organization_keys set retired_at = now()
          where organization_id = ${organizationId} and retired_at is null`)
        yield* make(holder)
        cache.forgetSealing(nameOf(holder))
      },
      transaction,
      Effect.catchTag("SqlError", databaseAway),
      Effect.provideService(SqlClient, sql)
    )

    const signing: KeyHolder = { type: "server", id: "signing" }
    const signs = ({ bytes, id }: DataKey) => ({ id, ...signingKeyOf(bytes) })
    const signingKey = Effect.map(sealingKey(signing), signs)
    const signingKeyNamed = (keyId: string) =>
      openingKey(signing, keyId).pipe(
        Effect.map(Option.map(signs)),
        Effect.catchIf(
          (error) => error.reason === "wrong",
          () => Effect.succeed(Option.none())
        )
      )

    const rewrap = rewrapKeys.pipe(
      Effect.catchTag("SqlError", databaseAway),
      Effect.provideService(SqlClient, sql),
      Effect.provideService(MasterKey, masterKey)
    )

    return { seal, open, erase, renew, rewrap, signingKey, signingKeyOf: signingKeyNamed }
  })
)
