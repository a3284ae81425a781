import { createCipheriv, createHash, randomBytes } from "node:crypto"
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationName, productionStage, SecretName, StageName } from "@maxcloud/config-schema"
import { ApiKeyId, SessionId, UserId } from "@maxcloud/sdk/api"
import { Cause, Effect, Either, Exit, Layer, ManagedRuntime, Option, Redacted } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import { listEntries } from "../../../test/wholeLists.ts"
import { newId } from "../../base/database/newId.ts"
import { asOrganization } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { heldKey } from "../../base/keys/heldKey.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { CurrentCaller } from "../../tenancy/access/Caller.ts"
import { layer as audit } from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { layer } from "./SealedSecrets.ts"
import { Secrets } from "./Secrets.ts"

const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
const keyFile = join(dataDir, "secret.key")
const server = ManagedRuntime.make(
  Layer.mergeAll(layer({ dataDir }), organizations).pipe(
    Layer.provideMerge(audit()),
    Layer.provideMerge(keys({ dataDir })),
    Layer.provideMerge(layerTest)
  )
)
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
  const rows = yield* Effect.forEach(
    tables,
    (table) => sql<{ row: string }>`select t::text as row from ${sql(table.name)} t`
  )
  return rows
    .flat()
    .map((row) => row.row)
    .join("\n")
})

describe("secrets", () => {
  test(
    "are returned by version, which grows by one with each value, after unset too",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const place = yield* scope
      expect(yield* secrets.set(place, key, Redacted.make(plain))).toMatchObject({ name: key, version: 1 })
      expect(yield* secrets.set(place, key, Redacted.make("second ✓"))).toMatchObject({ version: 2 })
      expect(shown(yield* secrets.reveal(place, key, 2))).toBe("second ✓")
      expect((yield* secrets.list(place)).map((each) => [each.name, each.version])).toEqual([[key, 2]])
      expect(yield* secrets.unset(place, key)).toBe(true)
      expect(yield* secrets.unset(place, key)).toBe(false)
      expect(yield* secrets.list(place)).toEqual([])
      expect(shown(yield* secrets.reveal(place, key, 2))).toBeUndefined()
      expect(yield* secrets.set(place, key, Redacted.make("third"))).toMatchObject({ version: 3 })
    })
  )

  test(
    "keep a version that a deployment uses until a newer one has succeeded",
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
      expect(yield* secrets.versions(place, key)).toMatchObject([{ version: 1, current: false, deployments: [1] }])
      yield* secrets.set(place, key, Redacted.make("three"))
      yield* deployed(2, 3)
      expect(yield* secrets.unset(place, key)).toBe(true)
      yield* secrets.set(place, key, Redacted.make("four"))
      expect(shown(yield* secrets.reveal(place, key, 1))).toBeUndefined()
      expect(shown(yield* secrets.reveal(place, key, 3))).toBe("three")
    })
  )

  test(
    "keep their last ten versions while they're set, and can be rolled back to one of these, which makes a new one",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const place = yield* scope
      for (let version = 1; version <= 12; version++) yield* secrets.set(place, key, Redacted.make(`value ${version}`))
      const versions = yield* secrets.versions(place, key)
      expect(versions.map((version) => version.version)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3])
      expect(versions.filter((version) => version.current).map((version) => version.version)).toEqual([12])
      expect(Option.isNone(yield* secrets.rollback(place, key, 2))).toBe(true)
      expect(Option.getOrThrow(yield* secrets.rollback(place, key, 4))).toMatchObject({ name: key, version: 13 })
      expect(shown(yield* secrets.reveal(place, key, 13))).toBe("value 4")
      expect(yield* secrets.list(place)).toMatchObject([{ version: 13 }])
      expect(yield* secrets.versions(place, SecretName.make("OTHER"))).toEqual([])
      expect(Option.isNone(yield* secrets.rollback(place, SecretName.make("OTHER"), 1))).toBe(true)
    })
  )

  test(
    "are imported all or none",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      const [a, b] = [SecretName.make("A"), SecretName.make("B")]
      const entry = (name: SecretName, value: string) => ({ name, value: Redacted.make(value) })
      yield* secrets.set(place, b, Redacted.make("before"))
      const imported = yield* secrets.importAll(place, [entry(b, "first"), entry(a, "a"), entry(b, "last")])
      expect(imported).toMatchObject([
        { name: "A", version: 1 },
        { name: "B", version: 2 }
      ])
      expect(shown(yield* secrets.reveal(place, b, 2))).toBe("last")
      yield* sql`
        insert into secrets (organization_id, app, stage, name, version)
        values (${place.organizationId}, ${place.app}, ${place.stage}, 'Z', 2147483647)`
      // The maximum of an import, each with an entry of its own, in the order of names.
      const many = Array.from({ length: 200 }, (_, index) => SecretName.make(`N${index}`))
      yield* secrets.importAll(
        place,
        many.map((value) => entry(value, `value of ${value}`))
      )
      const told = yield* listEntries(place.organizationId, { limit: 200 })
      expect(told.toReversed().map((each) => each.subject)).toEqual(
        many.toSorted().map((value) => `secret shop/production/${value}`)
      )
      for (const name of many) expect(shown(yield* secrets.reveal(place, name, 1))).toBe(`value of ${name}`)
      // A number that's too large isn't a temporary fault.
      const failed = yield* Effect.exit(secrets.importAll(place, [entry(a, "again"), entry(SecretName.make("Z"), "z")]))
      expect(Exit.isFailure(failed) && Cause.isDie(failed.cause)).toBe(true)
      expect((yield* secrets.versions(place, a)).map((version) => version.version)).toEqual([1])
    })
  )

  test(
    "are copied to another stage or app, all or none, and the audit log has both places",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const place = yield* scope
      const dev = { ...place, stage: StageName.make("dev") }
      const [a, b] = [SecretName.make("A"), SecretName.make("B")]
      yield* secrets.set(place, a, Redacted.make("old"))
      yield* secrets.set(place, a, Redacted.make(plain))
      yield* secrets.set(dev, a, Redacted.make("other"))
      expect(Either.getOrThrow(Either.flip(yield* secrets.copy(place, dev, [a, b])))).toEqual([b])
      expect(yield* secrets.list(dev)).toMatchObject([{ name: "A", version: 1 }])
      yield* secrets.set(place, b, Redacted.make(""))
      expect(Either.getOrThrow(yield* secrets.copy(place, dev, [b, a, a]))).toMatchObject([
        { name: "A", version: 2 },
        { name: "B", version: 1 }
      ])
      expect(shown(yield* secrets.reveal(dev, a, 2))).toBe(plain)
      expect(shown(yield* secrets.reveal(dev, b, 1))).toBe("")
      expect(yield* secrets.list(place)).toMatchObject([{ version: 2 }, { version: 1 }])
      const [last, before] = yield* listEntries(place.organizationId, { limit: 2 })
      expect([before?.subject, last?.subject]).toEqual([
        "secret shop/dev/A from shop/production",
        "secret shop/dev/B from shop/production"
      ])
      const elsewhere = yield* scope
      expect(Either.isLeft(yield* secrets.copy({ ...elsewhere, stage: place.stage }, dev, [a]))).toBe(true)
    })
  )

  test(
    "record in the audit log who did what, by digests of name and version, in the same transaction",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      const person = { id: UserId.make(newId("usr")), email: `${newId("who")}@example.com`, verified: true }
      yield* sql`insert into users (id, email, verified_at) values (${person.id}, ${person.email}, now())`
      const organization = { id: place.organizationId, name: OrganizationName.make("acme") }
      const by = Effect.provideService(CurrentCaller, {
        organization,
        roles: ["deployer"],
        scopes: undefined,
        credential: { type: "session", id: SessionId.make(newId("ses")) },
        person
      })
      const digest = (version: number) => createHash("sha256").update(`${key} ${version}`).digest("hex")
      yield* by(secrets.set(place, key, Redacted.make(plain)))
      yield* by(secrets.importAll(place, [{ name: key, value: Redacted.make("second") }]))
      yield* by(secrets.rollback(place, key, 1))
      yield* by(secrets.unset(place, key))
      yield* secrets.set(place, key, Redacted.make(plain))
      const entries = yield* listEntries(place.organizationId, { limit: 10 })
      const subject = `secret shop/production/${key}`
      const { email } = person
      expect(
        entries
          .toReversed()
          .map((each) => [each.action, each.subject, each.actor.email, each.beforeDigest, each.afterDigest])
      ).toEqual([
        ["apps.setSecret", subject, email, null, digest(1)],
        ["apps.importSecrets", subject, email, digest(1), digest(2)],
        ["apps.rollbackSecret", subject, email, digest(2), digest(3)],
        ["apps.unsetSecret", subject, email, digest(3), null],
        ["apps.setSecret", subject, null, null, digest(4)]
      ])
      expect(yield* secrets.versions(place, key)).toMatchObject([{ version: 4, createdBy: null }])
      yield* by(secrets.set(place, key, Redacted.make(plain)))
      expect(yield* asOrganization(place.organizationId)(secrets.versions(place, key))).toMatchObject([
        { version: 5, createdBy: { type: "person", id: person.id, name: email } },
        { version: 4, createdBy: null }
      ])
      const apiKey = ApiKeyId.make(newId("key"))
      yield* sql`
        insert into api_keys (organization_id, id, name, prefix, token_hash, role, created_by)
        values (${place.organizationId}, ${apiKey}, 'ci', ${newId("pre")}, '', 'deployer', ${person.id})`
      const byKey = Effect.provideService(CurrentCaller, {
        organization,
        roles: ["deployer"],
        scopes: undefined,
        credential: { type: "key", id: apiKey },
        person
      })
      yield* byKey(secrets.set(place, key, Redacted.make(plain)))
      expect((yield* asOrganization(place.organizationId)(secrets.versions(place, key)))[0]).toMatchObject({
        version: 6,
        createdBy: { type: "apiKey", id: apiKey, name: "ci" }
      })
      expect(JSON.stringify(entries)).not.toContain("hunter2")
    })
  )

  test(
    "don't open once the keys of their organization are erased",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const place = yield* scope
      yield* secrets.set(place, key, Redacted.make(plain))
      yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.erase({ type: "organization", id: place.organizationId }))
      expect(shown(yield* secrets.reveal(place, key, 1))).toBeUndefined()
      expect(Option.isNone(yield* secrets.rollback(place, key, 1))).toBe(true)
    })
  )

  test(
    "open if the first versions sealed them with the data folder's key, and are resealed at the start",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      const bytes = readFileSync(keyFile)
      const { id: keyId } = heldKey("", bytes)
      const sealBefore = (version: number, text: string) => {
        const nonce = randomBytes(12)
        const additional = JSON.stringify([place.organizationId, place.app, place.stage, key, version])
        const cipher = createCipheriv("aes-256-gcm", bytes, nonce).setAAD(Buffer.from(additional))
        const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()])
        return sql`
          insert into secret_versions (organization_id, app, stage, name, version, key_id, nonce, sealed)
          values (${place.organizationId}, ${place.app}, ${place.stage}, ${key}, ${version}, ${keyId}, ${nonce}, ${sealed})`
      }
      yield* sql`
        insert into secrets (organization_id, app, stage, name, version)
        values (${place.organizationId}, ${place.app}, ${place.stage}, ${key}, 3)`
      yield* sealBefore(1, "one")
      yield* sealBefore(2, "two")
      yield* sealBefore(3, "three")
      yield* sql`update secret_versions set nonce = ${randomBytes(12)} where organization_id = ${place.organizationId} and version = 2`
      expect(shown(yield* secrets.reveal(place, key, 3))).toBe("three")
      yield* Effect.scoped(Layer.build(Layer.fresh(layer({ dataDir }))))
      const rows = yield* sql<{ version: number; old: boolean }>`
        select version, key_id = ${keyId} as old from secret_versions
        where organization_id = ${place.organizationId} order by version`
      expect(rows).toEqual([
        { version: 1, old: false },
        { version: 2, old: true },
        { version: 3, old: false }
      ])
      expect(shown(yield* secrets.reveal(place, key, 1))).toBe("one")
      expect(shown(yield* secrets.reveal(place, key, 3))).toBe("three")
      expect((yield* Effect.flip(secrets.reveal(place, key, 2))).message).toContain("Set it again")
      yield* sql`delete from secret_versions where organization_id = ${place.organizationId}`
    })
  )

  test(
    "are nowhere in the database in plain text",
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
    "don't open at another place",
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
      expect(error.message).toContain("doesn't open")
      expect(JSON.stringify(error)).not.toContain("hunter2")
    })
  )

  test(
    "don't open on a server with another key, and say how to fix it",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      const sql = yield* SqlClient
      const place = yield* scope
      yield* secrets.set(place, key, Redacted.make(plain))
      yield* sql`
        update secret_versions set key_id = 'other', nonce = sealed
        where organization_id = ${place.organizationId}`
      const error = yield* Effect.flip(secrets.reveal(place, key, 1))
      expect(error.message).toContain("Give all servers of this database the same secret.key")
      yield* sql`delete from secret_versions where organization_id = ${place.organizationId}`
    })
  )

  test(
    "report a missing key, and never create another one",
    Effect.gen(function* () {
      const secrets = yield* Secrets
      yield* secrets.set(yield* scope, key, Redacted.make(plain))
      const built = Effect.flip(Effect.scoped(Layer.build(Layer.fresh(keys({ dataDir })))))
      expect(statSync(keyFile).mode & 0o777).toBe(0o600)
      const saved = readFileSync(keyFile)
      expect(saved.length).toBe(32)
      rmSync(keyFile)
      expect((yield* built).message).toContain("Restore")
      expect(() => statSync(keyFile)).toThrow()
      writeFileSync(keyFile, Buffer.alloc(32, 7))
      expect((yield* built).message).toContain("isn't the one")
      writeFileSync(keyFile, "short")
      expect((yield* built).message).toContain("isn't a key")
      writeFileSync(keyFile, saved)
      chmodSync(keyFile, 0o600)
    })
  )
})
