import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import pg from "pg"
import { type EmbeddedPostgres, makeEmbeddedPostgres } from "../../src/base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../src/base/postgres/initialise.ts"
import { freePort } from "../freePort.ts"
import { ServerProcess } from "../serverProcess.ts"
import { assertKept, awaitWrites, writeLoad } from "./writeLoad.ts"

describe.skipIf(process.platform !== "linux")("a server on an external database", () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-external-"))
  let postgres: EmbeddedPostgres
  let server: ServerProcess

  beforeAll(async () => {
    postgres = await makeEmbeddedPostgres(folder)
    await postgres.start()
    const { password, socketFolder } = postgres
    const client = new pg.Client({ host: socketFolder, port: 5432, user: ownerRole, database: "postgres", password })
    await client.connect()
    await client.query(`create role maxcloud login password '${password}'`)
    await client.query("create database maxcloud")
    await client.end()
    const urlOf = (role: string) => `postgres://${role}:${password}@/maxcloud?host=${encodeURIComponent(socketFolder)}`
    server = new ServerProcess(await freePort(), {
      DATABASE_URL: urlOf("maxcloud"),
      MAXCLOUD_MIGRATION_DATABASE_URL: urlOf(ownerRole),
      MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR: "1000000"
    })
    await server.start()
  }, 120_000)
  afterAll(async () => {
    await server.end("SIGTERM")
    await postgres.stop()
    server.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  it("loses nothing acknowledged when the database restarts (fast shutdown), 3 times", {
    timeout: 120_000
  }, async () => {
    const load = writeLoad(server)
    for (let n = 0; n < 3; n++) {
      await awaitWrites(load, 10)
      await postgres.stop()
      await postgres.start()
    }
    await awaitWrites(load, 10)
    const told = await load.stop()
    expect(told.secrets.length).toBeGreaterThan(3)
    await assertKept(server.url, told)
  })
})
