import { createPublicKey, verify } from "node:crypto"
import { appendFileSync } from "node:fs"
import { sep } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { assert, describe, it } from "@effect/vitest"
import type { ErasureCertificate } from "@maxcloud/sdk/api"
import { verifyAuditExport } from "@maxcloud/sdk/effect"
import { Effect, Layer, Logger, LogLevel, Schedule, Stream } from "effect"
import pg from "pg"
import { madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import {
  acting,
  plant,
  testPrivacy,
  testStores,
  wordsInFiles,
  wordsInTables,
  wordsOf
} from "../../../test/privacy/testPrivacy.ts"
import { listEntries } from "../../../test/wholeLists.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { makeEmbeddedPostgres } from "../../base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../base/postgres/initialise.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { signedBytes } from "./certificate.ts"
import { appendJournal, readJournal } from "./ErasureJournal.ts"
import { eraseAgain } from "./eraseAgain.ts"
import { ErasureSteps } from "./eraseOrganization.ts"
import { Privacy } from "./Privacy.ts"

/** Tables between which nothing but another table lies: of these steps a few are enough. */
const uncut = [
  "deployment_events",
  "deployment_manifests",
  "idempotency_keys",
  "oidc_trusts",
  "secrets",
  "work_items",
  "drift"
]
const isPostgres = (path: string) => path.includes(`${sep}postgres${sep}`)
const isWriteAheadLog = (path: string) => path.includes(`${sep}pg_wal`)

/** The certificate, once everything is erased. */
const erased = (id: string) =>
  Effect.flatMap(Privacy, (privacy) => privacy.certificate(id)).pipe(
    Effect.filterOrFail(
      (error) => error.erasedAt !== null,
      (error) => new Error(`not erased: ${JSON.stringify(error.stores)}`)
    ),
    Effect.retry({ schedule: Schedule.spaced("25 millis"), times: 800 })
  )

const isSigned = ({ signature, ...unsigned }: ErasureCertificate) =>
  Effect.map(
    Effect.flatMap(DataKeys, (dataKeys) => dataKeys.signingKey),
    ({ id, publicKey }) =>
      unsigned.keyId === id &&
      verify(null, signedBytes(unsigned), createPublicKey(publicKey), Buffer.from(signature, "base64url"))
  )

/** As the role that owns the tables: rewrites them without deleted rows, and flushes memory to the disk. */
const vacuumFull = (dataDir: string) =>
  Effect.promise(async () => {
    const { password, socketFolder } = await makeEmbeddedPostgres(dataDir)
    const client = new pg.Client({ host: socketFolder, user: ownerRole, database: "maxcloud", password })
    await client.connect()
    try {
      await client.query("vacuum full")
      await client.query("checkpoint")
    } finally {
      await client.end()
    }
  })

describe("an organization that is deleted", () => {
  it.scopedLive(
    "is found in no store any more, though it was in all; another one is untouched",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient
          const privacy = yield* Privacy
          const [a, b] = [wordsOf("a"), wordsOf("b")]
          const owner = yield* plant(a)
          const other = yield* plant(b)
          const all = (words: typeof a) => [...Object.values(words.visible), ...Object.values(words.sealed)]
          const inTablesOrFiles = Effect.gen(function* () {
            const words = [...all(a), ...all(b)]
            return new Set([...(yield* wordsInTables(words)), ...wordsInFiles(dataDir, words, isPostgres)])
          })

          const before = yield* inTablesOrFiles
          const visible = [...Object.values(a.visible), ...Object.values(b.visible)]
          assert.deepStrictEqual([...before].sort(), visible.sort())

          const asked = yield* privacy
            .deleteOrganization(owner, { name: owner.organization.name, graceDays: 0 })
            .pipe(acting(owner))
          const certificate = yield* erased(asked.certificateId)

          assert.deepStrictEqual([...(yield* inTablesOrFiles)].sort(), Object.values(b.visible).sort())
          yield* vacuumFull(dataDir)
          const inDatabaseFiles = wordsInFiles(dataDir, all(a), (path) => isWriteAheadLog(path))
          assert.deepStrictEqual([...inDatabaseFiles], [])

          const ids = yield* sql<{ id: string }>`select id from organizations where name <> 'local' order by id`
          assert.deepStrictEqual(ids, [{ id: other.organization.id }])
          assert.isTrue(yield* isSigned(certificate))
          assert.isFalse(yield* isSigned({ ...certificate, stores: [] }))
          assert.notInclude(JSON.stringify(certificate), a.visible.organization)
          const counted = Object.fromEntries(
            certificate.stores.map((store) => [`${store.store}: ${store.action}`, store.count])
          )
          assert.strictEqual(counted["logs: log files of the data folder deleted"], 2)
          assert.isAbove(counted["sources: source snapshots and their dependencies deleted"] ?? 0, 1)
          assert.strictEqual(counted["people: accounts erased that had no other organization"], 1)
          assert.strictEqual(counted["database: rows of deployments deleted"], 2)

          const [right] = yield* sql<{ may: boolean }>`
            select has_table_privilege(current_user, 'users', 'MAINTAIN') as may`
          assert.isTrue(right?.may)

          // The log outlives, sealed for good.
          const audit = yield* Audit
          const chain = Stream.map(audit.export(owner.organization.id), (found) => `${found}\n`)
          assert.deepInclude(yield* verifyAuditExport(chain), { ok: true, organization: owner.organization.id })
          const entries = yield* listEntries(owner.organization.id, { limit: 100 })
          assert.isAbove(entries.length, 5)
          for (const { actor, subject } of entries) assert.deepStrictEqual([subject, actor.email], [null, null])
          const journal = yield* readJournal(`${dataDir}/erasures.jsonl`)
          assert.deepStrictEqual(journal.map(({ id, type }) => [type, id]).sort(), [
            ["organization", owner.organization.id],
            ["person", owner.person?.id ?? ""]
          ])
        }).pipe(Effect.provide(testPrivacy({ dataDir }).pipe(Layer.provideMerge(testStores(fake, dataDir)))))
      }),
    60_000
  )

  it.scopedLive(
    "is erased whatever cuts the erasure off, and at whatever step, with one certificate",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        const cut = new Set<string>()
        // Each step is broken off the first time, after the one before it was done.
        const steps = Layer.succeed(ErasureSteps, (step) =>
          Effect.suspend(() => {
            if (cut.has(step) || uncut.includes(step)) return Effect.void
            cut.add(step)
            return Effect.dieMessage(`cut off at ${step}`)
          })
        )
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient
          const privacy = yield* Privacy
          const words = wordsOf("c")
          const owner = yield* plant(words)
          const asked = yield* privacy
            .deleteOrganization(owner, { name: owner.organization.name, graceDays: 0 })
            .pipe(acting(owner))
          const certificate = yield* erased(asked.certificateId)
          assert.isTrue(yield* isSigned(certificate))
          const all = [...Object.values(words.visible), ...Object.values(words.sealed)]
          assert.deepStrictEqual([...(yield* wordsInTables(all)), ...wordsInFiles(dataDir, all, isPostgres)], [])
          for (const step of [
            "services",
            "logs",
            "sources",
            "people",
            "deployments",
            "keys",
            "organization",
            "again"
          ]) {
            assert.isTrue(cut.has(step), step)
          }
          assert.isTrue(cut.has("certificate"))
          const count = (store: string) =>
            certificate.stores.filter((each) => each.store === store).reduce((sum, each) => sum + each.count, 0)
          assert.strictEqual(count("logs"), 2)
          assert.strictEqual(count("people"), 1)
          assert.strictEqual(count("keys"), 1)
          const rows = yield* sql<{ type: string }>`select subject_type as type from erasures order by 1`
          assert.deepStrictEqual(
            rows.map((row) => row.type),
            ["organization", "person"]
          )
        }).pipe(
          Effect.provide(
            testPrivacy({ dataDir }).pipe(Layer.provide(steps), Layer.provideMerge(testStores(fake, dataDir)))
          ),
          Logger.withMinimumLogLevel(LogLevel.None)
        )
      }),
    60_000
  )
})

describe("a backup that is restored", () => {
  it.scopedLive(
    "lacks data that was erased since, and has its certificates",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient
          const words = wordsOf("r")
          const owner = yield* plant(words)
          const at = new Date().toISOString()
          const line = (type: "organization" | "person", id: string) => {
            const certificate = {
              id: `era_${type}`,
              subject: { type, id },
              requestedAt: at,
              erasedAt: at,
              stores: [],
              signature: "s",
              keyId: "k"
            }
            return { type, id, at, certificate }
          }
          const path = `${dataDir}/erasures.jsonl`
          yield* appendJournal(path, [line("organization", owner.organization.id)])
          // A crash has torn the line.
          appendFileSync(path, '{"type":"person","id":"')
          yield* appendJournal(path, [line("person", owner.person?.id ?? "")])
          const journal = yield* readJournal(path)
          assert.strictEqual(yield* eraseAgain(journal), 2)
          assert.strictEqual(yield* eraseAgain(journal), 0)
          const all = [...Object.values(words.visible), ...Object.values(words.sealed)]
          assert.deepStrictEqual([...(yield* wordsInTables(all))], [])
          const keys = yield* sql`select 1 from organization_keys union all select 1 from person_keys`
          assert.lengthOf(keys, 0)
          const certificates = yield* sql`select id from erasures order by id`
          assert.deepStrictEqual(certificates, [{ id: "era_organization" }, { id: "era_person" }])
        }).pipe(Effect.provide(testStores(fake, dataDir)), Logger.withMinimumLogLevel(LogLevel.None))
      }),
    60_000
  )
})
