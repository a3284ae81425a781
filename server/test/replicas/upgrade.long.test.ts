import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, describe, expect, it } from "@effect/vitest"
import pg from "pg"
import { beforeNewestMigration, commitTree } from "./commitTree.ts"
import { startPostgres } from "./startPostgres.ts"

const organizations = 10
const apps = 20
const program = "server/test/replicas/updatedReplica.ts"
const helper = "server/test/replicas/slowly.ts"
const root = join(import.meta.dirname, "../../..")

interface Told {
  readonly state: string
  readonly started: number
  readonly applied: number
  readonly finished: number
}

describe("a server's update to another commit's", async () => {
  const postgres = await startPostgres()
  const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-upgrade-"))
  const before = commitTree(process.env["MAXCLOUD_TEST_BEFORE"] ?? beforeNewestMigration())
  for (const file of [program, helper]) copyFileSync(join(root, file), join(before.folder, file))
  const running: Array<ChildProcess> = []

  /** Resolves when it has accepted its deployments and carries out all. */
  const start = async (folder: string, applyMs: number, ...accepts: ReadonlyArray<number>) => {
    const child = spawn(process.execPath, [join(folder, program), dataDir, String(applyMs), ...accepts.map(String)], {
      env: { ...process.env, ...postgres.environment },
      stdio: ["ignore", "pipe", "inherit"]
    })
    running.push(child)
    const ended = once(child, "exit")
    let output = ""
    const accepted = new Promise<void>((resolve) => {
      child.stdout.on("data", (chunk) => {
        output += chunk
        if (output.includes("accepted")) resolve()
      })
    })
    await Promise.race([accepted, ended])
    expect(output, "the server runs").toContain("accepted")
    return { child, ended }
  }

  afterAll(async () => {
    for (const child of running) child.kill("SIGKILL")
    await postgres.close()
    before.remove()
    rmSync(dataDir, { recursive: true, force: true })
  })

  it(`carries out each of ${organizations * apps} deployments that are under way, once`, {
    timeout: 600_000
  }, async () => {
    const client = new pg.Client({ connectionString: postgres.environment.MAXCLOUD_MIGRATION_DATABASE_URL })
    const rows = async <Row extends pg.QueryResultRow>(text: string) => (await client.query<Row>(text)).rows
    const old = await start(before.folder, 3_000, organizations, apps)
    await client.connect()
    await client.query("set maxcloud.all_rows = on")
    const migrations = async () => (await rows<{ all: number }>("select count(*)::int as all from migrations"))[0]?.all
    const open = async () =>
      (await rows<{ open: number }>("select count(*)::int as open from deployments where finished_at is null"))[0]
        ?.open ?? 0
    const schema = await migrations()

    const next = await start(root, 200)
    expect(await migrations(), "the update changes the tables").toBeGreaterThan(schema ?? 0)
    expect(await open(), "deployments under way").toBeGreaterThan(organizations)
    old.child.kill("SIGTERM")
    await old.ended
    while ((await open()) > 0) {
      expect(next.child.exitCode, "the new server runs").toBeNull()
      await sleep(200)
    }

    const told = await rows<Told>(`
      select d.state, count(*) filter (where e.type = 'started')::int as started,
        count(*) filter (where e.type = 'applied')::int as applied,
        count(*) filter (where e.type = 'finished')::int as finished
      from deployments d join deployment_events e on e.organization_id = d.organization_id and e.deployment_id = d.id
      group by d.organization_id, d.id, d.state`)
    expect(told).toHaveLength(organizations * apps)
    const once: Told = { state: "succeeded", started: 1, applied: 1, finished: 1 }
    expect(told.filter((each) => JSON.stringify(each) !== JSON.stringify(once))).toStrictEqual([])
    await client.end()
  })
})
