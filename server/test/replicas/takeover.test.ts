import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Schedule } from "effect"
import type { DatabaseOptions } from "../../src/base/database/Database.ts"
import * as Shards from "../../src/base/replicas/Shards.ts"
import { databaseTest } from "../database/layerTest.ts"
import { withMadeDatabase } from "../database/madeDatabase.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { testServer } from "../deployments/testServer.ts"
import { startPostgres } from "./startPostgres.ts"

/** A lease on a deployment lasts 30 seconds, one on shards 6: what is asserted here is far below both. */
const within = "4 seconds"

let organizations = 0

describe("a deployment whose server is killed in the middle of it", () => {
  const folders: Array<string> = []
  /** With the master key of the shared database. */
  let dataDir: string
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => {
    postgres = await startPostgres()
    dataDir = newFolder()
  })
  afterAll(async () => {
    await postgres.close()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })
  const newFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-takeover-"))
    folders.push(folder)
    return folder
  }

  /** A server in the middle of a deployment. */
  const hanging = async (dataDir: string, environment: NodeJS.ProcessEnv) => {
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, "hangingReplica.ts"), dataDir, `org-${++organizations}`],
      {
        env: { ...process.env, ...environment, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
        stdio: ["ignore", "pipe", "inherit"]
      }
    )
    const ended = once(child, "exit")
    let output = ""
    const applying = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        output += chunk
        if (output.includes("applying")) resolve()
      })
    })
    await Promise.race([applying, ended])
    expect(output).toContain("applying")
    return async () => {
      child.kill("SIGKILL")
      await ended
    }
  }

  const withServer = async (
    options: DatabaseOptions,
    shards: typeof Shards.layerAll | ReturnType<typeof Shards.layer>,
    use: Effect.Effect<void, unknown, SqlClient>
  ) => {
    const fake = await Effect.runPromise(makeFakeRuntime)
    const server = testServer(fake.layer, options.dataDir, {}, shards).pipe(Layer.provideMerge(databaseTest(options)))
    await Effect.runPromise(Effect.provide(use, server))
  }
  const finished = Effect.flatMap(SqlClient, (sql) =>
    Effect.repeat(sql`select 1 from deployments where finished_at is null`, {
      until: (rows) => rows.length === 0,
      schedule: Schedule.spaced("20 millis")
    })
  ).pipe(
    Effect.timeout(within),
    Effect.timed,
    Effect.tap(([took]) => Effect.log(`the deployment was finished after ${took}`)),
    Effect.asVoid
  )
  const shared = (): DatabaseOptions => ({
    dataDir,
    url: Redacted.make(postgres.environment.DATABASE_URL),
    migrationUrl: Redacted.make(postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL)
  })

  it("goes on at once when the server is back, with the embedded database", { timeout: 60_000 }, async () => {
    const own = newFolder()
    withMadeDatabase(own)
    const kill = await hanging(own, { DATABASE_URL: undefined })
    await kill()
    await withServer({ dataDir: own }, Shards.layerAll, finished)
  })

  it("goes on at once when the server is back, with a database of its own", { timeout: 60_000 }, async () => {
    const kill = await hanging(dataDir, postgres.environment)
    await kill()
    await withServer(shared(), Shards.layer(), finished)
  })

  it("goes on at once on another server of the database", { timeout: 60_000 }, async () => {
    const kill = await hanging(dataDir, postgres.environment)
    const takenOver = Effect.gen(function* () {
      const sql = yield* SqlClient
      // Both have their share of the shards, and neither touches what the other one works on.
      yield* Effect.repeat(sql`select distinct replica from shards where replica is not null`, {
        until: (rows) => rows.length === 2,
        schedule: Schedule.spaced("20 millis")
      })
      expect(yield* sql`select 1 from deployments where finished_at is null`).toHaveLength(1)
      yield* Effect.promise(kill)
      yield* finished
    })
    await withServer(shared(), Shards.layer(), takenOver)
  })
})
