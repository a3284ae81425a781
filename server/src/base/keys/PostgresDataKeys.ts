import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted } from "effect"
import { asServer } from "../database/RowScope.ts"
import { inTransaction } from "../database/sqlErrors.ts"
import { decrypt, encrypt } from "./aesGcm.ts"
import { checkMasterKey } from "./checkMasterKey.ts"
import { DataKeys, type KeyOwner, type Place, type SealedValue } from "./DataKeys.ts"
import { databaseAway, makeKey, openingKey, sealingKey } from "./holderKeys.ts"
import { type DataKey, type KeyCache, makeKeyCache } from "./KeyCache.ts"
import { holderOf, type KeyHolder, nameOf, tableOf } from "./keyRows.ts"
import { MasterKey, MasterKeyError } from "./MasterKey.ts"
import { rewrapKeys } from "./rewrapKeys.ts"
import { signingKeyOf } from "./signingKey.ts"

const cached = 10_000

/** How long a server caches data keys in memory. */
export const cacheMs = 5 * 60_000

const additional = (place: Place) => JSON.stringify(place)

const sealed = (key: DataKey, place: Place, value: Redacted.Redacted): SealedValue => ({
  keyId: key.id,
  bytes: encrypt(key.bytes, additional(place), Buffer.from(Redacted.value(value), "utf8"))
})

const opened = (key: DataKey, place: Place, bytes: Uint8Array) =>
  Effect.try({
    try: () => Redacted.make(decrypt(key.bytes, additional(place), bytes).toString("utf8")),
    catch: () =>
      new MasterKeyError({
        reason: "wrong",
        message: "A sealed value doesn't open: it was changed or moved in the database."
      })
  })

const erase = (sql: SqlClient, cache: KeyCache, holder: KeyHolder) =>
  Effect.gen(function* () {
    const table = tableOf(holder)
    yield* sql`delete from ${sql(table.table)} where ${sql(table.owner)} = ${holder.id}`.pipe(
      asServer,
      Effect.mapError(databaseAway)
    )
    cache.erase(nameOf(holder))
  })

const renew = (sql: SqlClient, masterKey: MasterKey["Type"], cache: KeyCache, organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const holder: KeyHolder = { type: "organization", id: organizationId }
    yield* asServer(sql`
      update organization_keys set retired_at = now()
      where organization_id = ${organizationId} and retired_at is null`)
    yield* makeKey(sql, masterKey, cache, holder)
    cache.forgetSealing(nameOf(holder))
  })

const registry: KeyHolder = { type: "server", id: "registry" }
const signing: KeyHolder = { type: "server", id: "signing" }
const signs = ({ bytes, id }: DataKey) => ({ id, ...signingKeyOf(bytes) })

/** Data keys in the database, wrapped. Fails to start if another master key wrapped them. */
export const layer = Layer.effect(
  DataKeys,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const masterKey = yield* MasterKey
    const cache = makeKeyCache(cached, cacheMs)
    yield* checkMasterKey.pipe(Effect.catchTag("SqlError", databaseAway))

    const sealing = (holder: KeyHolder) => sealingKey(sql, masterKey, cache, holder)
    const opening = (holder: KeyHolder, keyId: string) => openingKey(sql, masterKey, cache, holder, keyId)

    return {
      seal: Effect.fn("DataKeys.seal")((owner: KeyOwner, place: Place, value: Redacted.Redacted) =>
        Effect.map(sealing(holderOf(owner)), (key) => sealed(key, place, value))
      ),
      open: Effect.fn("DataKeys.open")(function* (owner: KeyOwner, place: Place, { bytes, keyId }: SealedValue) {
        const key = yield* opening(holderOf(owner), keyId)
        return Option.isNone(key) ? Option.none() : Option.some(yield* opened(key.value, place, bytes))
      }),
      erase: Effect.fn("DataKeys.erase")((owner: KeyOwner) => erase(sql, cache, holderOf(owner))),
      renew: Effect.fn("DataKeys.renew")((organizationId: OrganizationId) =>
        inTransaction(sql, renew(sql, masterKey, cache, organizationId)).pipe(Effect.catchTag("SqlError", databaseAway))
      ),
      rewrap: rewrapKeys.pipe(
        Effect.catchTag("SqlError", databaseAway),
        Effect.provideService(SqlClient, sql),
        Effect.provideService(MasterKey, masterKey)
      ),
      registrySeed: Effect.map(sealing(registry), ({ bytes }) => bytes),
      signingKey: Effect.map(sealing(signing), signs),
      signingKeyOf: (keyId: string) =>
        opening(signing, keyId).pipe(
          Effect.map(Option.map(signs)),
          Effect.catchIf(
            (error) => error.reason === "wrong",
            () => Effect.succeed(Option.none())
          )
        )
    }
  })
)
