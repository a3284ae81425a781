import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { freePort } from "../../server/test/freePort.ts"
import { startPostgres } from "../../server/test/replicas/startPostgres.ts"
import { makeFolder, run, start, webPackage, webServer } from "./cli.ts"

const config = `import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig({ app: "shop", services: [service("web", { source: "./web" })] })
`
const cwd = makeFolder({
  "maxcloud.config.ts": config,
  "web/package.json": webPackage,
  "web/server.js": webServer("web")
})
const rollout = (env: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  run(["cluster", "rollout", ...args], { cwd, env })

interface Places {
  readonly folder: string
  /** The data folder. Its path is too long for a socket, so Postgres has its socket in the server's temporary folder. */
  readonly dataDir: string
}
const makePlaces = (): Places => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-cli-rollout-"))
  // Postgres and services run as other users and need access.
  chmodSync(folder, 0o755)
  return { folder, dataDir: join(folder, "data".repeat(20)) }
}

/** `maxcloud server` as its own process, until the scope closes. */
const serve = async (places: Places, env: Readonly<Record<string, string>> = {}) => {
  const port = await freePort()
  const server = start(["server", "--port", String(port), "--data-dir", places.dataDir], { cwd, env })
  await server.until(/listens on http/)
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      server.child.kill("SIGTERM")
      await server.ended
    }
  }
}

describe("beside a server with its own database", () => {
  const places = makePlaces()
  const temporary = join(places.folder, "tmp")
  const dataDir = ["--data-dir", places.dataDir]
  beforeAll(() => mkdirSync(temporary, { mode: 0o755 }))
  afterAll(() => rmSync(places.folder, { recursive: true, force: true }))

  it("shows the progress of new settings, while the server runs and afterwards", { timeout: 240_000 }, async () => {
    const absent = await rollout({}, "--json", ...dataDir)
    expect(absent.code).toBe(3)
    expect(JSON.parse(absent.stdout)).toMatchObject({
      error: { detail: expect.stringMatching(/^No database found in .*--data-dir/) }
    })
    {
      await using server = await serve(places, { TMPDIR: temporary })
      const empty = await rollout({}, ...dataDir)
      expect([empty.code, empty.stdout]).toEqual([0, ""])
      expect(empty.stderr).toMatch(/^settings of \S+: 0 done, 0 pending, 0 failed\n$/)

      expect((await run(["deploy"], { cwd, env: { MAXCLOUD_API_URL: server.url } })).code).toBe(0)
      const brief = await rollout({}, ...dataDir)
      expect([brief.code, brief.stdout]).toEqual([0, ""])
      expect(brief.stderr).toMatch(/: 1 done, 0 pending, 0 failed\n$/)
      const all = await rollout({}, "--all", ...dataDir)
      expect(all.code).toBe(0)
      expect(all.stdout).toMatch(/^state +organization +app +stage *\ndone +local +shop +production *\n$/)
      const json = await rollout({}, "--all", "--json", ...dataDir)
      expect(JSON.parse(json.stdout)).toMatchObject({
        platform: { key: expect.stringMatching(/^[0-9a-f]{64}$/), changed: [] },
        counts: { done: 1, pending: 0, failed: 0 },
        stages: [{ organization: "local", app: "shop", stage: "production", state: "done", message: null }]
      })
      expect(JSON.parse((await rollout({}, "--json", ...dataDir)).stdout)).toMatchObject({ stages: [] })

      const restore = ["cluster", "restore", ...dataDir]
      expect(await run(restore, { cwd })).toMatchObject({
        code: 0,
        stderr: expect.stringMatching(/^the server checks 1 stage of apps/)
      })
      const waited = await run([...restore, "--wait"], { cwd })
      expect([waited.code, waited.stdout]).toEqual([0, ""])
      expect(waited.stderr).toMatch(/^\d stages? to check, \d services? restoring\n(.*\n)*restored: 1 stage checked\n$/)
      const restored = await run([...restore, "--wait", "--json"], { cwd })
      expect(JSON.parse(restored.stdout)).toEqual({ stages: 1, left: { stages: 0, services: 0 } })
    }
    expect((await rollout({}, ...dataDir)).stderr).toMatch(/: 1 done, 0 pending, 0 failed\n$/)
  })
})

describe("with DATABASE_URL", () => {
  const places = makePlaces()
  let postgres: Awaited<ReturnType<typeof startPostgres>>
  beforeAll(async () => {
    postgres = await startPostgres()
  }, 120_000)
  afterAll(async () => {
    await postgres.close()
    rmSync(places.folder, { recursive: true, force: true })
  }, 60_000)

  it("exits with 1 if a stage has failed, and says why", { timeout: 240_000 }, async () => {
    const before = await rollout(postgres.environment)
    expect([before.code, before.stderr]).toEqual([3, expect.stringContaining("Start its server first")])
    {
      await using server = await serve(places, postgres.environment)
      expect((await run(["deploy"], { cwd, env: { MAXCLOUD_API_URL: server.url } })).code).toBe(0)
      expect((await rollout(postgres.environment)).stderr).toMatch(/: 1 done, 0 pending, 0 failed\n$/)
    }
    const changed = await postgres.change(
      "update app_stages set platform_key = 'older', rollout_error = 'it is not taken'"
    )
    expect(changed).toBe(1)
    const failed = await rollout(postgres.environment)
    expect(failed.code).toBe(1)
    expect(failed.stdout).toMatch(/failed +local +shop +production +it is not taken\n$/)
    expect(failed.stderr).toMatch(/: 0 done, 0 pending, 1 failed\n$/)
    const json = await rollout(postgres.environment, "--json")
    expect(json.code).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject({ counts: { failed: 1 }, stages: [{ message: "it is not taken" }] })
  })
})

it("prints its help with --help", async () => {
  const { code, stdout } = await rollout({}, "--help")
  expect(code).toBe(0)
  for (const part of ["--all", "--data-dir", "Exit code 1 if a stage has failed"]) expect(stdout).toContain(part)
})
