import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { AppName } from "@maxcloud/config-schema"
import { Effect, Layer, Redacted, Stream } from "effect"
import { Shards } from "../../src/base/replicas/Shards.ts"
import { databaseTest } from "../database/layerTest.ts"
import { makeFakeRuntime } from "../deployments/fakeRuntime.ts"
import { deploy, newOrganization, testServer } from "../deployments/testServer.ts"
import { startPostgres } from "./startPostgres.ts"

const kills = Number(process.env["MAXCLOUD_KILLS"] ?? 20)
const organizations = 10
const apps = 20
const replicas = 3

/** Accepts deployments, and carries none out. */
const noShards = Layer.succeed(Shards, { owns: () => false, owned: () => [], changes: Stream.empty })

describe("replicas of one database", async () => {
  const postgres = await startPostgres()
  const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-replicas-"))
  const running: Array<ChildProcess> = []
  const start = () =>
    spawn(process.execPath, [join(import.meta.dirname, "replica.ts"), dataDir], {
      env: { ...process.env, ...postgres.environment, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache") },
      stdio: ["ignore", "ignore", "inherit"]
    })
  const kill = async (replica: ChildProcess | undefined) => {
    if (replica === undefined || replica.exitCode !== null || replica.signalCode !== null) return
    const ended = once(replica, "exit")
    replica.kill("SIGKILL")
    await ended
  }
  afterAll(async () => {
    await Promise.all(running.map(kill))
    await postgres.close()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it(`killed ${kills} times carry out each of ${organizations * apps} deployments, once`, {
    timeout: 600_000
  }, async () => {
    const database = databaseTest({
      dataDir,
      url: Redacted.make(postgres.environment.DATABASE_URL),
      migrationUrl: Redacted.make(postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL)
    })
    const test = Effect.gen(function* () {
      const sql = yield* SqlClient
      for (let index = 0; index < replicas; index++) running.push(start())
      const made = yield* Effect.forEach(Array.from({ length: organizations }), () => newOrganization)
      const killing = yield* Effect.fork(
        Effect.promise(async () => {
          for (let killed = 0; killed < kills; killed++) {
            await sleep(1_000 + Math.random() * 2_000)
            const index = Math.floor(Math.random() * replicas)
            await kill(running[index])
            running[index] = start()
          }
        })
      )
      for (let index = 0; index < apps; index++) {
        const app = AppName.make(`app-${index}`)
        yield* Effect.forEach(made, (value) => deploy(value, [{ name: `web-${index}` }], { app }), { concurrency: 4 })
        yield* Effect.promise(() => sleep((kills * 1_500) / apps))
      }
      yield* killing
      const open = sql<{ open: number }>`select count(*)::int as open from deployments where finished_at is null`
      while (((yield* open)[0]?.open ?? 0) > 0) {
        expect(
          running.some((each) => each.exitCode === null && each.signalCode === null),
          "a replica is running"
        ).toBe(true)
        yield* Effect.promise(() => sleep(200))
      }

      const told = yield* sql<{ state: string; finished: number; started: number; applied: number; reason: string }>`
        select d.state, count(*) filter (where e.type = 'finished')::int as finished,
          count(*) filter (where e.type = 'started')::int as started,
          count(*) filter (where e.type = 'applied')::int as applied,
          max(e.reason) filter (where e.type = 'finished') as reason
        from deployments d join deployment_events e on e.organization_id = d.organization_id and e.deployment_id = d.id
        group by d.organization_id, d.id, d.state`
      expect(told).toHaveLength(organizations * apps)
      for (const deployment of told) {
        expect(deployment).toStrictEqual({
          state: "succeeded",
          finished: 1,
          started: 1,
          applied: 1,
          reason: "Succeeded"
        })
      }
      const live = yield* sql<{ owner: string }>`
        select distinct replica as owner from shards where lease_until > clock_timestamp()`
      expect(live.length).toBeGreaterThanOrEqual(1)
    })
    const fake = await Effect.runPromise(makeFakeRuntime)
    await Effect.runPromise(
      test.pipe(Effect.provide(Layer.provideMerge(testServer(fake.layer, dataDir, {}, noShards), database)))
    )
  })
})
