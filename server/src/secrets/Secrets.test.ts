import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { productionStage, SecretName, StageName } from "@maxcloud/config-schema"
import { Effect, Layer, ManagedRuntime, Option, Redacted } from "effect"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { layerTest } from "../database/layerTest.ts"
import { newOrganization, shop } from "../deployments/testServer.ts"
import { layer as organizations } from "../organizations/Organizations.ts"
import { layer } from "./SealedSecrets.ts"
import { Secrets } from "./Secrets.ts"

const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
const keyFile = join(dataDir, "secret.key")
const server = ManagedRuntime.make(Layer.provideMerge(layer({ dataDir }), Layer.provideMerge(organizations, layerTest)))
beforeAll(() => server.runPromise(Effect.void))
afterAll(async () => {
  await server.dispose()
  rmSync(dataDir, { recursive: true })
})

const test = <E>(
  name: string,
  effect: Effect.Effect<unknown, E, ManagedRuntime.ManagedRuntime.Context<typeof server>>
) => it(name, () => server.runPromise(effect))

const key = SecretName.make("DATABASE_URL")
const plain = "postgres://app:hunter2-very-secret@db/shop"
const scope = Effect.map(newOrganization, (org) => ({ organizationId: org.id, app: shop, stage: productionStage }))
const shown = (value: Option.Option<Redacted.Redacted>) => Option.getOrUndefined(Option.map(value, Redacted.value))

/** Every value of every table as text, bytes both in hexadecimal digits and in base64. */
const dump = Effect.gen(function* () {
  const sql = yield* SqlClient
  const tables = yield* sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`
  const rows = yield* Effect.forEach(tables, (_) => sql<{ row: string }>`select t::text as row from ${sql(_.name)} t`)
  return rows
    .flat()
    .map((_) => _.row)
    .join("\n")
})

describe("secrets", () => {
  test(
    "are given back by version, and grow by one with each value, after unset too",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const place = yield* scope
      expect(yield* secrets.set(place, key, Redacted.make(plain))).toMatchObject({ name: key, version: 1 })
      expect(yield* secrets.set(place, key, Redacted.make("second ✓"))).toMatchObject({ version: 2 })
      expect(shown(yield* secrets.reveal(place, key, 2))).toBe("second ✓")
      expect((yield* secrets.list(place)).map((_) => [_.name, _.version])).toEqual([[key, 2]])
      expect(yield* secrets.unset(place, key)).toBe(true)
      expect(yield* secrets.unset(place, key)).toBe(false)
      expect(yield* secrets.list(place)).toEqual([])
      expect(shown(yield* secrets.reveal(place, key, 2))).toBeUndefined()
      expect(yield* secrets.set(place, key, Redacted.make("third"))).toMatchObject({ version: 3 })
    })
  )

  test(
    "keep a version that a deployment holds until a newer one has succeeded",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      const deployed = (number: number, version: number) => sql`
        insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions, warnings)
        values (${`dep_${number}`}, ${place.organizationId}, ${place.app}, ${place.stage}, ${number}, 'succeeded', '', '', '{}',
          ${JSON.stringify({ [key]: version })}::jsonb, '[]')`
      yield* sql`insert into app_stages (organization_id, app, stage) values (${place.organizationId}, ${place.app}, ${place.stage})`
      yield* secrets.set(place, key, Redacted.make("one"))
      yield* deployed(1, 1)
      yield* secrets.set(place, key, Redacted.make("two"))
      yield* secrets.unset(place, key)
      expect(shown(yield* secrets.reveal(place, key, 1))).toBe("one")
      yield* secrets.set(place, key, Redacted.make("three"))
      yield* deployed(2, 3)
      yield* secrets.set(place, key, Redacted.make("four"))
      expect(shown(yield* secrets.reveal(place, key, 1))).toBeUndefined()
      expect(shown(yield* secrets.reveal(place, key, 3))).toBe("three")
    })
  )

  test(
    "are nowhere in the database in plain",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      yield* secrets.set(yield* scope, key, Redacted.make(plain))
      const all = yield* dump
      expect(all).toContain("DATABASE_URL")
      for (const encoded of [plain, Buffer.from(plain).toString("hex"), Buffer.from(plain).toString("base64")]) {
        expect(all).not.toContain(encoded)
      }
      expect(all).not.toContain("hunter2")
    })
  )

  test(
    "do not open at another place",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      const other = { ...place, stage: StageName.make("dev") }
      yield* secrets.set(place, key, Redacted.make(plain))
      yield* secrets.set(other, key, Redacted.make("other"))
      yield* sql`
        update secret_versions t set nonce = f.nonce, sealed = f.sealed from secret_versions f
        where t.organization_id = ${place.organizationId} and t.stage = 'dev'
          and f.organization_id = t.organization_id and f.stage = 'production'`
      const error = yield* Effect.flip(secrets.reveal(other, key, 1))
      expect(error.message).toContain("does not open")
      expect(JSON.stringify(error)).not.toContain("hunter2")
    })
  )

  test(
    "of a server with another key do not open, and say what to do",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      yield* secrets.set(place, key, Redacted.make(plain))
      yield* sql`
        update secret_versions set key_id = 'other', nonce = sealed
        where organization_id = ${place.organizationId}`
      const error = yield* Effect.flip(secrets.reveal(place, key, 1))
      expect(error.message).toContain("give all servers of this database the same secret.key")
      yield* sql`delete from secret_versions where organization_id = ${place.organizationId}`
    })
  )

  test(
    "say so where their key is gone, and never make another one",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      yield* secrets.set(yield* scope, key, Redacted.make(plain))
      const built = Effect.flip(Effect.scoped(Layer.build(Layer.fresh(layer({ dataDir })))))
      expect(statSync(keyFile).mode & 0o777).toBe(0o600)
      const saved = readFileSync(keyFile)
      expect(saved.length).toBe(32)
      rmSync(keyFile)
      expect((yield* built).message).toContain("restore")
      expect(() => statSync(keyFile)).toThrow()
      writeFileSync(keyFile, Buffer.alloc(32, 7))
      expect((yield* built).message).toContain("is not the one")
      writeFileSync(keyFile, "short")
      expect((yield* built).message).toContain("is no key")
      writeFileSync(keyFile, saved)
      chmodSync(keyFile, 0o600)
    })
  )
})
