import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Logger, ManagedRuntime, Scope } from "effect"
import pg from "pg"
import { databaseTest, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { layer as keys } from "../../base/keys/layer.ts"
import { ago, backupName, backupsIn, findDrafts } from "../../base/postgres/backupFiles.ts"
import * as AutomaticBackups from "./AutomaticBackups.ts"

const scope = Effect.runSync(Scope.make())
const dataDir = Effect.runSync(Scope.extend(temporaryDataDir, scope))
const server = ManagedRuntime.make(keys({ dataDir }).pipe(Layer.provideMerge(databaseTest({ dataDir }))))
beforeAll(() => server.runPromise(Effect.void), 60_000)
afterAll(async () => {
  await server.dispose()
  await Effect.runPromise(Scope.close(scope, Exit.void))
})

const newFolder = () => mkdtempSync(join(dataDir, "backups-"))
type Status = AutomaticBackups.BackupStatus

/** Makes backups into a folder until their status matches. Returns that status, and the log. */
const until = (
  backupFolder: string,
  awaited: (status: Status, logged: ReadonlyArray<string>) => boolean,
  { backupKeep = 7, ...options }: AutomaticBackups.AutomaticBackupsOptions & { readonly backupKeep?: number } = {}
) =>
  server.runPromise(
    Effect.gen(function* () {
      const logged: Array<string> = []
      const log = Logger.replace(
        Logger.defaultLogger,
        Logger.make(({ message }) => {
          logged.push(String(message))
        })
      )
      const layer = AutomaticBackups.layer(
        { dataDir, backupFolder, backupKeep, backupTime: "03:00", minFreeDisk: 0 },
        { after: 0, every: "2 millis", retryAfter: "2 millis", reserve: 0, ...options }
      )
      const status = yield* Effect.flatMap(AutomaticBackups.AutomaticBackups, (automaticBackups) =>
        automaticBackups.status.pipe(
          Effect.delay(Duration.millis(2)),
          Effect.repeat({ until: (found): found is Status => found !== undefined && awaited(found, logged) })
        )
      ).pipe(Effect.provide(layer), Effect.provide(log))
      return { status, logged }
    })
  )
const hasOne = ({ newest }: Status) => newest !== undefined

const day = 86_400_000
const put = (folder: string, sequence: number, createdAt: Date) =>
  writeFileSync(join(folder, backupName(sequence, createdAt)), "")
const sequencesIn = (folder: string) => backupsIn(folder).map((each) => each.sequence)

describe("automatic backups", () => {
  it("make one if there is none: sealed, readable only by the server's user, and logged in one line", async () => {
    const folder = join(newFolder(), "made/by/the/server")
    const { logged, status } = await until(folder, (one, lines) => hasOne(one) && lines.length > 0)
    const { path = "" } = status.newest ?? {}
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(readFileSync(path, "latin1").startsWith("maxcloud backup\n")).toBe(true)
    expect(logged.length).toBe(1)
    expect(logged[0] ?? "").toContain(path)
    // No longer due.
    const again = await until(folder, hasOne)
    expect([again.logged, sequencesIn(folder)]).toStrictEqual([[], [1]])
  })

  it("make up for a missed backup, and keep the configured number of automatic backups", async () => {
    const folder = newFolder()
    for (const n of [1, 2, 3, 4]) put(folder, n, new Date(Date.now() - (10 - n) * day))
    for (const name of ["notes.txt", "maxcloud-old.backup", "cloud.backup"]) writeFileSync(join(folder, name), "mine")
    await until(folder, ({ newest }) => newest?.sequence === 5 && backupsIn(folder).length === 3, { backupKeep: 3 })
    expect(sequencesIn(folder)).toStrictEqual([5, 4, 3])
    for (const name of ["notes.txt", "maxcloud-old.backup", "cloud.backup"])
      expect(readFileSync(join(folder, name), "utf8")).toBe("mine")
  })

  it("are ordered by number if the clock was set back, so the newest is never deleted", async () => {
    const folder = newFolder()
    for (const n of [7, 8]) put(folder, n, new Date(Date.now() + 700 * day))
    await until(folder, ({ newest }) => newest?.sequence === 9 && backupsIn(folder).length === 2, { backupKeep: 2 })
    expect(sequencesIn(folder)).toStrictEqual([9, 8])
  })

  it("are skipped if the disk is full, which is reported, and logged once", async () => {
    const folder = newFolder()
    let tries = 0
    const { logged, status } = await until(folder, ({ failure }) => failure !== undefined && ++tries > 20, {
      reserve: 2 ** 60
    })
    expect(status.failure?.state).toBe("skipped")
    expect(status.failure?.message ?? "").toMatch(/has \d+ MiB free.*MAXCLOUD_BACKUP_FOLDER/)
    expect([logged.length, readdirSync(folder)]).toStrictEqual([1, []])
  })

  it("fail with the reason if their folder is unusable, and the server keeps running", async () => {
    const file = join(newFolder(), "a-file")
    writeFileSync(file, "mine")
    const { logged, status } = await until(join(file, "backups"), ({ failure }) => failure !== undefined)
    expect(status.failure?.state).toBe("failed")
    expect(status.failure?.message ?? "").toContain("MAXCLOUD_BACKUP_FOLDER")
    expect(logged.length).toBe(1)
    expect(readFileSync(file, "utf8")).toBe("mine")
  })

  it("are complete or absent: a killed backup leaves a draft, which the next one removes", {
    timeout: 60_000
  }, async () => {
    const folder = newFolder()
    put(folder, 1, new Date(Date.now() - 3 * day))
    const blocker = new pg.Client({
      host: join(dataDir, "postgres"),
      user: "maxcloud_owner",
      database: "maxcloud",
      password: readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
    })
    await blocker.connect()
    await blocker.query("begin; lock table work_items in access exclusive mode")
    const path = join(folder, backupName(2, new Date()))
    const child: ChildProcess = spawn(
      process.execPath,
      [
        "--input-type=module",
        "--eval",
        `import { backupServer } from ${JSON.stringify(join(import.meta.dirname, "commands.ts"))}
         await backupServer(process.argv[1], { dataDir: process.argv[2], masterKey: undefined, databaseUrl: undefined })`,
        path,
        dataDir
      ],
      { cwd: import.meta.dirname, stdio: ["ignore", "inherit", "inherit"] }
    )
    const ended = new Promise((resolve) => child.once("exit", resolve))
    const waits = async () => {
      const { rowCount } = await blocker.query("select 1 from pg_locks where not granted")
      return rowCount !== 0
    }
    while (!(await waits()) && child.exitCode === null) await Effect.runPromise(Effect.sleep("20 millis"))
    child.kill("SIGKILL")
    await ended
    await blocker.query("rollback")
    await blocker.end()
    expect([await findDrafts(folder), sequencesIn(folder)]).toStrictEqual([[`${path}.unfinished`], [1]])
    await until(folder, ({ newest }) => newest?.sequence === 2)
    expect([await findDrafts(folder), sequencesIn(folder)]).toStrictEqual([[], [2, 1]])
  })

  it("say their age as people do", () => {
    const now = new Date("2026-03-01T12:00:00Z")
    const told = (ms: number) => ago(new Date(now.getTime() - ms), now)
    expect([0, 59_000, 60_000, 7_200_000, 14 * 3_600_000, 2 * day, 30 * day, -1].map(told)).toStrictEqual([
      "just now",
      "just now",
      "1 minute ago",
      "2 hours ago",
      "14 hours ago",
      "2 days ago",
      "30 days ago",
      "in the future, by this machine's clock"
    ])
  })
})
