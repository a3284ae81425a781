import { createPublicKey, verify } from "node:crypto"
import { appendFileSync } from "node:fs"
import { sep } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
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

/** Consecutive steps for tables: testing a few of them is enough. */
const uncut = [
  "deployment_events",
  "deployment_manifests",
  "keyed_requests",
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

/** As the role that owns the tables: rewrites them without deleted rows, and flushes memory to disk. */
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
    "is removed from every store that contained it, and another one isn't touched",
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
          expect([...before].sort()).toStrictEqual(visible.sort())

          const asked = yield* privacy
            .deleteOrganization(owner, { name: owner.organization.name, graceDays: 0 })
            .pipe(acting(owner))
          const certificate = yield* erased(asked.certificateId)

          expect([...(yield* inTablesOrFiles)].sort()).toStrictEqual(Object.values(b.visible).sort())
          yield* vacuumFull(dataDir)
          const inDatabaseFiles = wordsInFiles(dataDir, all(a), (path) => isWriteAheadLog(path))
          expect([...inDatabaseFiles]).toStrictEqual([])

          const ids = yield* sql<{ id: string }>`select id from organizations where name <> 'local' order by id`
          expect(ids).toStrictEqual([{ id: other.organization.id }])
          expect(yield* isSigned(certificate)).toBe(true)
          expect(yield* isSigned({ ...certificate, stores: [] })).toBe(false)
          expect(JSON.stringify(certificate)).not.toContain(a.visible.organization)
          const counted = Object.fromEntries(
            certificate.stores.map((store) => [`${store.store}: ${store.action}`, store.count])
          )
          expect(counted["logs: log files of the data folder deleted"]).toBe(2)
          expect(counted["sources: source snapshots and their dependencies deleted"] ?? 0).toBeGreaterThan(1)
          expect(counted["people: erased accounts without another organization"]).toBe(1)
          expect(counted["database: rows of deployments deleted"]).toBe(2)

          const [right] = yield* sql<{ may: boolean }>`
            select has_table_privilege(current_user, 'users', 'MAINTAIN') as may`
          expect(right?.may).toBe(true)

          // The log remains, sealed forever.
          const audit = yield* Audit
          const chain = Stream.map(audit.export(owner.organization.id), (found) => `${found}\n`)
          expect(yield* verifyAuditExport(chain)).toMatchObject({ ok: true, organization: owner.organization.id })
          const entries = yield* listEntries(owner.organization.id, { limit: 100 })
          expect(entries.length).toBeGreaterThan(5)
          for (const { actor, subject } of entries) expect([subject, actor.email]).toStrictEqual([null, null])
          const journal = yield* readJournal(`${dataDir}/erasures.jsonl`)
          expect(journal.map(({ id, type }) => [type, id]).sort()).toStrictEqual([
            ["organization", owner.organization.id],
            ["person", owner.person?.id ?? ""]
          ])
        }).pipe(Effect.provide(testPrivacy({ dataDir }).pipe(Layer.provideMerge(testStores(fake, dataDir)))))
      }),
    60_000
  )

  it.scopedLive(
    "is erased with one certificate, whichever step is interrupted",
    () =>
      Effect.gen(function* () {
        const dataDir = yield* madeDataDir
        const fake = yield* makeFakeRuntime
        const cut = new Set<string>()
        // Each step fails the first time, after the previous one was done.
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
          expect(yield* isSigned(certificate)).toBe(true)
          const all = [...Object.values(words.visible), ...Object.values(words.sealed)]
          expect([...(yield* wordsInTables(all)), ...wordsInFiles(dataDir, all, isPostgres)]).toStrictEqual([])
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
            expect(cut.has(step), step).toBe(true)
          }
          expect(cut.has("certificate")).toBe(true)
          const count = (store: string) =>
            certificate.stores.filter((each) => each.store === store).reduce((sum, each) => sum + each.count, 0)
          expect(count("logs")).toBe(2)
          expect(count("people")).toBe(1)
          expect(count("keys")).toBe(1)
          const rows = yield* sql<{ type: string }>`select subject_type as type from erasures order by 1`
          expect(rows.map((row) => row.type)).toStrictEqual(["organization", "person"])
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

describe("a restored backup", () => {
  it.scopedLive(
    "lacks data that was erased since, and contains its certificates",
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
              id: `era_${(type === "organization" ? "a" : "b").repeat(32)}`,
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
          // A crash has left an incomplete line.
          appendFileSync(path, '{"type":"person","id":"')
          yield* appendJournal(path, [line("person", owner.person?.id ?? "")])
          const journal = yield* readJournal(path)
          expect(yield* eraseAgain(journal)).toBe(2)
          expect(yield* eraseAgain(journal)).toBe(0)
          const all = [...Object.values(words.visible), ...Object.values(words.sealed)]
          expect([...(yield* wordsInTables(all))]).toStrictEqual([])
          const keys = yield* sql`select 1 from organization_keys union all select 1 from person_keys`
          expect(keys).toHaveLength(0)
          const certificates = yield* sql`select id from erasures order by id`
          expect(certificates).toStrictEqual([{ id: `era_${"a".repeat(32)}` }, { id: `era_${"b".repeat(32)}` }])
        }).pipe(Effect.provide(testStores(fake, dataDir)), Logger.withMinimumLogLevel(LogLevel.None))
      }),
    60_000
  )
})
