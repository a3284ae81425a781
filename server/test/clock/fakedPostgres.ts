import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import pg from "pg"
import { makeEmbeddedPostgres } from "../../src/base/postgres/EmbeddedPostgres.ts"
import { ownerRole } from "../../src/base/postgres/initialise.ts"
import { makeLauncher } from "../../src/base/postgres/launcher.ts"

/** A Postgres with the wall clock of `environment`: the embedded one doesn't inherit its server's environment. */
export const startFakedPostgres = async (folder: string, environment: Readonly<Record<string, string>>) => {
  const dataDir = join(folder, "database")
  mkdirSync(dataDir, { mode: 0o755 })
  const postgres = await makeEmbeddedPostgres(dataDir)
  await postgres.start()
  const connection = { host: postgres.socketFolder, user: ownerRole, password: postgres.password }
  const client = new pg.Client({ ...connection, database: "postgres" })
  await client.connect()
  await client.query(`create role maxcloud login password ${pg.escapeLiteral(postgres.password)}`)
  await client.query(`create database maxcloud owner ${ownerRole}`)
  await client.end()
  await postgres.stop()

  const place = join(dataDir, "postgres")
  const launcher = makeLauncher(place)
  const data = join(place, "data")
  const child: ChildProcess = spawn(
    join(launcher.bin, "postgres"),
    ["-D", launcher.nameOf(data), "-k", place, "-c", "listen_addresses=", "-c", "max_connections=50"],
    { ...launcher.options(data), env: { PATH: process.env.PATH, ...environment }, stdio: "ignore" }
  )
  const ended = once(child, "exit")
  const url = (role: string) => `postgres://${role}:${postgres.password}@/maxcloud?host=${encodeURIComponent(place)}`
  for (;;) {
    const tried = new pg.Client({ connectionString: url(ownerRole) })
    const answers = await tried.connect().then(
      () => true,
      () => false
    )
    await tried.end().catch(() => undefined)
    if (answers) break
    if (child.exitCode !== null) throw new Error(`Postgres exited with ${child.exitCode}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    pid: child.pid ?? 0,
    environment: { DATABASE_URL: url("maxcloud"), MAXCLOUD_MIGRATION_DATABASE_URL: url(ownerRole) },
    now: async () => {
      const asking = new pg.Client({ connectionString: url(ownerRole) })
      await asking.connect()
      const { rows } = await asking.query("select now() as now")
      await asking.end()
      return Number(rows[0].now)
    },
    close: async () => {
      child.kill("SIGINT")
      await ended
    }
  }
}
