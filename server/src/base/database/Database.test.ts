import { spawn } from "node:child_process"
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Queue, Redacted, Schedule, Scope } from "effect"
import { databaseTest, temporaryDataDir } from "../../../test/database/layerTest.ts"
import { isRunning } from "../host/processIdentity.ts"
import { Database, layer } from "./Database.ts"
import { Notifications } from "./Notifications.ts"
import { asServer } from "./RowScope.ts"

const pidOf = (dataDir: string) =>
  Number(readFileSync(join(dataDir, "postgres/data/postmaster.pid"), "utf8").split("\n")[0])
const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) => Effect.runPromise(Effect.scoped(effect))
const using = <A, E, R>(dataDir: string, effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, databaseTest({ dataDir }))

const write = (id: string) =>
  Effect.flatMap(SqlClient, (sql) => sql`insert into organizations (id, name) values (${id}, ${id})`)
const read = Effect.flatMap(SqlClient, (sql) => sql<{ id: string }>`select id from organizations order by id`).pipe(
  Effect.map((rows) => rows.map((row) => row.id))
)

/** The process's own resident memory in bytes, with the shared buffers counted once. */
const memoryOf = (postmaster: number) => {
  const children = readFileSync(`/proc/${postmaster}/task/${postmaster}/children`, "utf8").trim().split(" ").map(Number)
  const field = (pid: number, name: string) => {
    try {
      const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
      return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]) * 1024
    } catch (error) {
      // A worker that has just exited.
      if (pid !== postmaster) return 0
      throw error
    }
  }
  return [postmaster, ...children].reduce((sum, pid) => sum + field(pid, "Pss"), 0)
}

describe("embedded database", () => {
  it("keeps its data over a restart, and is stopped in between", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        const pid = yield* using(
          dataDir,
          Effect.andThen(
            write("a"),
            Effect.sync(() => pidOf(dataDir))
          )
        )
        expect(isRunning(pid)).toBe(false)
        expect(yield* using(dataDir, read)).toEqual(["a"])
        expect(statSync(join(dataDir, "postgres.password")).mode & 0o777).toBe(0o600)
      })
    ))

  it("stays small", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        const bytes = yield* using(
          dataDir,
          Effect.andThen(
            Effect.all(
              Array.from({ length: 8 }, (_, n) => write(`o${n}`)),
              { concurrency: 8 }
            ),
            Effect.sync(() => memoryOf(pidOf(dataDir)))
          )
        )
        expect(bytes).toBeLessThan(80 * 2 ** 20)
      })
    ))

  it("takes over a Postgres left running by a killed server", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        const server = spawn(
          process.execPath,
          [
            "--input-type=module",
            "--eval",
            `import { Effect } from "effect"
             import { SqlClient } from "@effect/sql/SqlClient"
             import { asServer } from ${JSON.stringify(join(import.meta.dirname, "RowScope.ts"))}
             import { layer } from ${JSON.stringify(join(import.meta.dirname, "Database.ts"))}
             Effect.runFork(Effect.gen(function* () {
               const sql = yield* SqlClient
               yield* sql\`insert into organizations (id, name) values ('b', 'b')\`
               console.log("ready")
               yield* Effect.never
             }).pipe(asServer, Effect.provide(layer({ dataDir: ${JSON.stringify(dataDir)} }))))`
          ],
          { cwd: import.meta.dirname, stdio: ["ignore", "pipe", "inherit"] }
        )
        yield* Effect.promise(() => new Promise((ready) => server.stdout.once("data", ready)))
        const locked = yield* Effect.flip(using(dataDir, Effect.void))
        expect(locked.reason).toBe("locked")
        expect(locked.message).toContain(`in use by another max-cloud server (process ${server.pid})`)

        const left = pidOf(dataDir)
        const gone = new Promise((exit) => server.once("exit", exit))
        server.kill("SIGKILL")
        yield* Effect.promise(() => gone)
        expect(isRunning(left)).toBe(true)
        const after = yield* using(
          dataDir,
          Effect.map(read, (ids) => ({ ids, pid: pidOf(dataDir) }))
        )
        expect(after).toEqual({ ids: ["b"], pid: left })
        expect(isRunning(left)).toBe(false)
      })
    ))

  it("restarts after a kill without losing data, and delivers wake-ups again", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        yield* using(
          dataDir,
          Effect.gen(function* () {
            const { ping } = yield* Database
            const notifications = yield* Notifications
            yield* write("a")
            const first = pidOf(dataDir)
            const heard = yield* notifications.subscribe
            process.kill(first, "SIGKILL")
            while ((yield* Queue.take(heard)) !== "reconnected");
            yield* Effect.retry(ping, Schedule.intersect(Schedule.spaced("100 millis"), Schedule.recurs(100)))
            expect(yield* read).toEqual(["a"])
            expect(pidOf(dataDir)).not.toBe(first)
            yield* notifications.notify("work")
            expect(yield* Queue.take(heard)).toBe("work")
          })
        )
      })
    ))

  it("serves as an external database, with a role that doesn't own the tables", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        const scope = yield* Scope.make()
        yield* Layer.buildWithScope(layer({ dataDir }), scope)
        const password = readFileSync(join(dataDir, "postgres.password"), "utf8").trim()
        const url = (role: string) =>
          Redacted.make(
            `postgres://${role}:${password}@/maxcloud?host=${encodeURIComponent(join(dataDir, "postgres"))}`
          )
        const external = layer({ dataDir: "unused", url: url("maxcloud"), migrationUrl: url("maxcloud_owner") })
        yield* Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* write("x")
          expect(yield* Effect.flip(sql`drop table organizations`)).toMatchObject({
            cause: { message: "must be owner of table organizations" }
          })
        }).pipe(asServer, Effect.provide(external))
        yield* Scope.close(scope, Exit.void)
        const away = yield* Effect.flip(Effect.provide(Effect.void, external))
        expect(away.reason).toBe("unreachable")
        expect(away.message).toContain("Check DATABASE_URL")
        expect(away.message).not.toContain(password)
      })
    ))

  it("says what to do if the password is gone, or the folder is a file", () =>
    run(
      Effect.gen(function* () {
        const dataDir = yield* temporaryDataDir
        mkdirSync(join(dataDir, "postgres/data"), { recursive: true })
        const missing = yield* Effect.flip(using(dataDir, Effect.void))
        expect(missing.message).toContain("restore")
        writeFileSync(join(dataDir, "postgres.password"), "")
        const file = yield* Effect.flip(using(join(dataDir, "postgres.password"), Effect.void))
        expect(file.message).toContain("Couldn't use the data folder")
      })
    ))
})
