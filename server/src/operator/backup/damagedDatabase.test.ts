import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Either, Exit, Layer, Scope } from "effect"
import { recordFault } from "../../../test/chaos/recordFault.ts"
import { databaseTest, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { layer as database } from "../../base/database/Database.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { backupsIn } from "../../base/postgres/backupFiles.ts"
import * as AutomaticBackups from "./AutomaticBackups.ts"
import { restoreServer } from "./commands.ts"

const scope = Effect.runSync(Scope.make())
const base = Effect.runSync(Scope.extend(temporaryDataDir, scope))
const whole = join(base, "whole")
const isolated = { masterKey: undefined, databaseUrl: undefined, migrationDatabaseUrl: undefined }
const settings = (dataDir: string) => ({
  dataDir,
  backupTime: "03:00",
  backupKeep: 7,
  backupFolder: undefined,
  minFreeDisk: 0
})

const add = (bucket: string) =>
  Effect.flatMap(SqlClient, (sql) => sql`insert into organizations (id, name) values (${`org_${bucket}`}, ${bucket})`)
const names = Effect.flatMap(
  SqlClient,
  (sql) => sql<{ name: string }>`select name from organizations order by name`
).pipe(Effect.map((rows) => rows.map((row) => row.name)))

const using = <A, E>(dataDir: string, effect: Effect.Effect<A, E, SqlClient>) =>
  effect.pipe(asServer, Effect.provide(database({ dataDir })), Effect.scoped, Effect.either, Effect.runPromise)

/** The file with the table's rows, below the database's folder. */
let heap = ""

beforeAll(async () => {
  const archive = join(whole, "sources/org_1/archives/aa.tar.gz")
  mkdirSync(dirname(archive), { recursive: true })
  writeFileSync(archive, "an archive")
  const server = AutomaticBackups.layer(settings(whole), { after: 0, every: "5 millis", reserve: 0 }).pipe(
    Layer.provideMerge(keys({ dataDir: whole })),
    Layer.provideMerge(databaseTest({ dataDir: whole }))
  )
  const found = Effect.flatMap(
    SqlClient,
    (sql) => sql<{ path: string }>`select pg_relation_filepath('migrations') as path`
  )
  const kept = await using(whole, Effect.andThen(add("kept"), found))
  heap = Either.getOrThrow(kept)[0]?.path ?? ""
  await Effect.gen(function* () {
    const { status } = yield* AutomaticBackups.AutomaticBackups
    yield* Effect.repeat(Effect.delay(status, Duration.millis(5)), { until: (each) => each?.newest !== undefined })
    yield* add("late")
  }).pipe(asServer, Effect.provide(server), Effect.scoped, Effect.runPromise)
}, 60_000)
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const flip = (file: string, from: number, to: number) => {
  const bytes = readFileSync(file)
  for (let at = from; at < to; at++) bytes.writeUInt8(bytes.readUInt8(at) ^ 0x5a, at)
  writeFileSync(file, bytes)
}
const segments = (data: string) =>
  readdirSync(join(data, "pg_wal"))
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .map((value) => join(data, "pg_wal", value))

const damages: ReadonlyArray<readonly [string, (data: string) => void, RegExp]> = [
  ["pg_control", (data) => flip(join(data, "global/pg_control"), 40, 48), /FATAL: incorrect checksum in control file/],
  ["no pg_control", (data) => rmSync(join(data, "global/pg_control")), /could not open file ".*pg_control"/],
  [
    "WAL of zeros",
    (data) => {
      for (const file of segments(data)) writeFileSync(file, Buffer.alloc(4 * 1024 ** 2))
    },
    /PANIC: could not locate a valid checkpoint record/
  ],
  [
    "no WAL",
    (data) => {
      for (const file of segments(data)) rmSync(file)
    },
    /PANIC: could not locate a valid checkpoint record/
  ],
  ["a page of a table", (data) => flip(join(data, heap), 100, 300), /invalid page in block 0 of relation/],
  ["a page of the catalog", (data) => flip(join(data, dirname(heap), "1259"), 100, 300), /invalid page in block 0/],
  ["no base", (data) => rmSync(join(data, "base"), { recursive: true }), /database subdirectory ".*" is missing/],
  ["no PG_VERSION", (data) => rmSync(join(data, "PG_VERSION")), /PG_VERSION" is missing/]
]

const copyOf = (name: string) => {
  const folder = join(base, name.replaceAll(" ", "-"))
  cpSync(whole, folder, { recursive: true, filter: (text) => !text.includes(".s.PGSQL") })
  execFileSync("chown", ["-R", `--reference=${join(whole, "postgres")}`, join(folder, "postgres")])
  return folder
}

describe.skipIf(process.platform !== "linux")("a damaged database", () => {
  for (const [name, damage, line] of damages) {
    it(`(${name}) is reported with the decisive log line and the way to recover`, { timeout: 60_000 }, async () => {
      const dataDir = copyOf(name)
      damage(join(dataDir, "postgres/data"))
      const used = await using(dataDir, Effect.void)
      const backup = backupsIn(join(dataDir, "backups"))[0]?.path ?? "no backup"
      const message = used._tag === "Left" ? used.left.message : JSON.stringify(used)
      expect(message).toMatch(line)
      expect(message).not.toMatch(/shut ?down|terminated by signal/)
      for (const said of ["maxcloud server restore", backup, "--set-aside"]) expect(message).toContain(said)
    })
  }

  for (const [name, damage] of damages.filter(([_]) =>
    ["pg_control", "WAL of zeros", "a page of a table"].includes(_)
  )) {
    it(`(${name}) is replaced by the last backup, and kept`, { timeout: 60_000 }, async () => {
      const dataDir = copyOf(`restored ${name}`)
      const data = join(dataDir, "postgres/data")
      damage(data)
      const digestsOf = (folder: string) =>
        ["global/pg_control", heap].map((name) =>
          createHash("sha256")
            .update(readFileSync(join(folder, name)))
            .digest("hex")
        )
      const before = digestsOf(data)
      const refused = await restoreServer(undefined, { ...isolated, dataDir })
      expect(JSON.stringify(refused)).toContain("--set-aside")
      const restored = await restoreServer(undefined, { ...isolated, dataDir }, { setAside: true })
      expect(restored.ok, JSON.stringify(restored)).toBe(true)
      const kept = restored.ok ? (restored.value.setAside ?? "") : ""
      expect(kept.startsWith(join(dataDir, "set-aside"))).toBe(true)
      expect(digestsOf(join(kept, "postgres/data"))).toStrictEqual(before)
      expect(readFileSync(join(dataDir, "sources/org_1/archives/aa.tar.gz"), "utf8")).toBe("an archive")
      expect(await using(dataDir, names)).toStrictEqual(Either.right(["kept"]))
      recordFault(import.meta.filename, {
        fault: `The embedded database is damaged on disk (${name})`,
        seen: "keeps the server from starting, with Postgres' error and the last backup in the message",
        recovery: "is set aside and replaced by the last backup with `maxcloud server restore --set-aside`",
        seconds: null
      })
    })
  }

  it("stays unchanged if the backup can't be restored", { timeout: 60_000 }, async () => {
    const dataDir = copyOf("refused")
    const backup = backupsIn(join(dataDir, "backups"))[0]?.path ?? ""
    // This version can't read a later version's line in the journal, which it finds only after moving the database.
    writeFileSync(join(dataDir, "erasures.jsonl"), `{"type":"galaxy","id":"org_1"}\n`)
    const refused = await restoreServer(backup, { ...isolated, dataDir }, { setAside: true })
    expect(refused).toMatchObject({ ok: false, reason: "target" })
    rmSync(join(dataDir, "erasures.jsonl"))
    expect(await using(dataDir, names)).toStrictEqual(Either.right(["kept", "late"]))
  })

  it("isn't mistaken for an empty one after a killed restore", { timeout: 60_000 }, async () => {
    const dataDir = copyOf("killed")
    writeFileSync(join(dataDir, "restore.underway"), `${join(dataDir, "set-aside/then")}\n`)
    rmSync(join(dataDir, "postgres"), { recursive: true })
    const used = await using(dataDir, names)
    const message = used._tag === "Left" ? used.left.message : ""
    for (const said of ["was interrupted", "set-aside/then", "maxcloud server restore"]) expect(message).toContain(said)
    expect(readdirSync(dataDir)).not.toContain("postgres")
    expect((await restoreServer(undefined, { ...isolated, dataDir }, { setAside: true })).ok).toBe(true)
    expect(await using(dataDir, names)).toStrictEqual(Either.right(["kept"]))
  })
})
