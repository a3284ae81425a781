import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"
import { makeEmbeddedPostgres } from "../../src/base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../src/base/postgres/initialise.ts"

/** A Postgres for the test that several servers use at once, and its URLs for the roles that a server needs. */
export const startPostgres = async () => {
  const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-postgres-"))
  // Each replica has up to a dozen connections.
  const postgres = await makeEmbeddedPostgres(dataDir, { max_connections: "100" })
  await postgres.start()
  const owner = new pg.Client({
    host: postgres.socketFolder,
    user: ownerRole,
    database: "postgres",
    password: postgres.password
  })
  await owner.connect()
  await owner.query(`create role maxcloud login password ${pg.escapeLiteral(postgres.password)}`)
  await owner.query(`create database maxcloud owner ${ownerRole}`)
  await owner.end()
  const url = (role: string) =>
    `postgres://${role}:${postgres.password}@/maxcloud?host=${encodeURIComponent(postgres.socketFolder)}`
  return {
    environment: { DATABASE_URL: url("maxcloud"), MAXCLOUD_MIGRATION_DATABASE_URL: url(ownerRole) },
    /** Runs a statement as the owner of the tables, on the rows of all organizations; returns how many it changed. */
    change: async (statement: string) => {
      const client = new pg.Client({ connectionString: url(ownerRole) })
      await client.connect()
      try {
        await client.query("set maxcloud.all_rows = on")
        return (await client.query(statement)).rowCount
      } finally {
        await client.end()
      }
    },
    close: async () => {
      await postgres.stop()
      rmSync(dataDir, { recursive: true, force: true })
    }
  }
}
