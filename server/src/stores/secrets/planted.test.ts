import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { productionStage, SecretName } from "@maxcloud/config-schema"
import { Effect, Layer, Logger, LogLevel, ManagedRuntime, Option, Redacted } from "effect"
import pg from "pg"
import { databaseTest } from "../../../test/database/layerTest.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import { filesIn, plantedIn } from "../../../test/secrets/testPlanted.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { rotateKeys } from "../../base/keys/rotateKeys.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../base/postgres/initialise.ts"
import { layer as audit } from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { layer } from "./SealedSecrets.ts"
import { type SecretScope, Secrets } from "./Secrets.ts"

const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
const next = Redacted.make<Uint8Array>(randomBytes(32))
const logged: Array<string> = []

/** A server whose present master key is the data folder's, with the next one among its keys. */
const parts = (options: object) =>
  Layer.mergeAll(layer({ dataDir }), organizations).pipe(
    Layer.provideMerge(audit()),
    Layer.provideMerge(keys({ dataDir, ...options }))
  )
const server = ManagedRuntime.make(
  parts({ formerMasterKeys: [next] }).pipe(
    Layer.provideMerge(databaseTest({ dataDir })),
    Layer.provideMerge(
      Layer.merge(
        Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.stringLogger, (line) => logged.push(line))
        ),
        Logger.minimumLogLevel(LogLevel.Trace)
      )
    )
  )
)
beforeAll(() => server.runPromise(Effect.void))
afterAll(async () => {
  await server.dispose()
  rmSync(dataDir, { recursive: true })
})

/** As the role that owns the tables, and sees all of them. */
const asOwner = async (work: (client: pg.Client) => Promise<unknown>) => {
  const { password, socketFolder } = await makeEmbeddedPostgres(dataDir)
  const client = new pg.Client({ host: socketFolder, port: 5432, user: ownerRole, database: "maxcloud", password })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}

/** Flushes the embedded database's data to its files. */
const checkpoint = () => asOwner((one) => one.query("checkpoint"))

/** Every row of every table as text. */
const dump = async () => {
  const all: Array<string> = []
  await asOwner(async (client) => {
    const tables = await client.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = 'public'"
    )
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`select t::text as row from ${pg.escapeIdentifier(name)} t`)
      all.push(...rows.map((row) => row.row))
    }
  })
  return all.join("\n")
}

const newValue = () => `${randomBytes(24).toString("base64url")} &/%"ü`
const organizationsCount = 10
const each = 100

interface Planted {
  readonly scope: SecretScope
  readonly name: SecretName
  readonly version: number
  readonly value: string
}

const read = ({ name, scope, version }: Planted) =>
  Effect.flatMap(Secrets, (secrets) => secrets.reveal(scope, name, version)).pipe(
    Effect.map((found) => Option.getOrUndefined(Option.map(found, Redacted.value)))
  )

const plant = Effect.gen(function* () {
  const secrets = yield* Secrets
  const { id } = yield* newOrganization
  const scope = { organizationId: id, app: shop, stage: productionStage }
  const done: Array<Planted> = []
  for (let index = 0; index < each; index++) {
    const name = SecretName.make(`SECRET_${index % 50}`)
    const value = newValue()
    const { version } = yield* secrets.set(scope, name, Redacted.make(value))
    const planted = { scope, name, version, value }
    done.push(planted)
    if (index % 10 === 0) expect(yield* read(planted)).toBe(value)
  }
  return done
})

/** Far more than needed: it's a thousand transactions. */
const timeout = 120_000

describe("a thousand secrets", () => {
  let planted: ReadonlyArray<Planted> = []

  it(
    "can be set and revealed while the master key changes",
    async () => {
      const rotation = Effect.promise(() => rotateKeys({ dataDir, masterKey: next, renew: true }))
      const plants = Effect.all(
        Array.from({ length: organizationsCount }, () => plant),
        { concurrency: 4 }
      )
      const [done, rotated] = await server.runPromise(
        Effect.all([plants, Effect.delay(rotation, "500 millis")], { concurrency: 2 })
      )
      planted = done.flat()
      expect(planted.length).toBe(organizationsCount * each)
      expect(rotated).toMatchObject({ ok: true })
      // The keys that the server has created since, with the master key that it still has.
      expect(await rotateKeys({ dataDir, masterKey: next })).toMatchObject({ ok: true, value: { renewed: 0 } })
      expect(await rotateKeys({ dataDir, masterKey: next })).toMatchObject({ ok: true, value: { rewrapped: 0 } })
      for (const one of planted.slice(0, 100)) expect(await server.runPromise(read(one))).toBe(one.value)
    },
    timeout
  )

  it(
    "are nowhere in plain text: not in a table, a file of the data folder, or the log",
    async () => {
      const search = plantedIn(planted.map((each) => each.value))
      const [first = "", second = ""] = planted.map((each) => each.value)
      const encoded = Buffer.from(`y${first}`).toString("base64")
      expect(search(Buffer.from(`xx${encoded} ${encodeURIComponent(second)}`))).toEqual([first, second])

      const rows = await dump()
      expect(rows).toContain("SECRET_49")
      expect(search(Buffer.from(rows))).toEqual([])
      // One that doesn't open, reported like any failure.
      const broken = planted.at(-1)
      if (broken === undefined) throw new Error("nothing is planted")
      const { name, scope, version } = broken
      const place = [scope.organizationId, scope.stage, name, version]
      const inPlace = "organization_id = $1 and stage = $2 and name = $3 and version = $4"
      await asOwner((one) => one.query(`update secret_versions set sealed = sealed || '\\x00' where ${inPlace}`, place))
      await server.runPromise(
        Effect.flatMap(Effect.flip(read(broken)), (error) => Effect.logError(error.message, error))
      )
      await asOwner((one) => one.query(`delete from secret_versions where ${inPlace}`, place))
      expect(logged.join("\n")).toContain("It was changed in the database")
      expect(search(Buffer.from(logged.join("\n")))).toEqual([])
      await checkpoint()
      const files = filesIn(dataDir)
      expect(files.some((file) => file.path.includes("pg_wal"))).toBe(true)
      expect(files.filter((file) => search(file.bytes).length > 0).map((file) => file.path)).toEqual([])

      // The search really covers what's written: it finds a plain-text value.
      await asOwner((one) => one.query("insert into users (id, email) values ($1, 'somebody@example.com')", [first]))
      await checkpoint()
      expect(filesIn(dataDir).filter((each) => search(each.bytes).includes(first)).length).toBeGreaterThan(0)
    },
    timeout
  )

  it(
    "open without the former master key once it has been changed",
    async () => {
      rmSync(join(dataDir, "secret.key"))
      const restarted = Layer.fresh(parts({ masterKey: next }))
      const values = await server.runPromise(Effect.provide(Effect.forEach(planted.slice(0, 100), read), restarted))
      expect(values).toEqual(planted.slice(0, 100).map((each) => each.value))
      expect(await rotateKeys({ dataDir })).toMatchObject({ ok: false, reason: "key" })
    },
    timeout
  )
})
