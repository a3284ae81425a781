import { randomUUID } from "node:crypto"
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { createClient, type LogEntry } from "@maxcloud/sdk"
import { freePort } from "../freePort.ts"
import { makeSource } from "../makeSource.ts"
import { groupsWith, processesWith, ServerProcess } from "../serverProcess.ts"
import { hasFaketime, makeFakedClock } from "./fakedClock.ts"
import { startFakedPostgres } from "./fakedPostgres.ts"

/** Answers with its version, exits when asked to, and ignores SIGTERM. */
const program = `
process.on("SIGTERM", () => {})
require("node:http").createServer((request, response) => {
  console.log("line " + request.url)
  if (request.url === "/die") process.exit(3)
  response.end(process.env.VERSION)
}).listen(process.env.PORT)`

const hour = 3_600
const steps = [
  ["an hour back", -hour],
  ["an hour ahead", hour],
  ["a day ahead", 24 * hour],
  ["two years ahead", 2 * 365 * 24 * hour]
] as const

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Polls until it is true, and fails if that takes too long. */
const until = async (what: string, withinMs: number, holds: () => Promise<boolean> | boolean) => {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > withinMs) expect.unreachable(`${what}: not within ${withinMs} ms`)
    await sleep(100)
  }
}

const parentOf = (pid: string) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ")[1]
  } catch {
    return undefined
  }
}
const withChildren = (pid: number) => [
  pid,
  ...readdirSync("/proc").flatMap((name) =>
    /^\d+$/.test(name) && parentOf(name) === String(pid) ? [Number(name)] : []
  )
]

// The monotonic clock is the real one, as on a machine whose wall clock is set.
describe.skipIf(!hasFaketime)("a server whose wall clock is moved while it runs", () => {
  const canary = `canary-${randomUUID()}`
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-clock-"))
  chmodSync(folder, 0o755)
  const clock = makeFakedClock(folder)
  const source = makeSource(program)
  const host = "app--local.localhost"
  let postgres: Awaited<ReturnType<typeof startFakedPostgres>>
  let server: ServerProcess
  let version = 0

  const deploy = async () => {
    version++
    const service = { name: "app", source: source.folder, env: { VERSION: String(version), CANARY: canary } }
    await server.client.deploy({
      app: "app",
      services: [{ ...service, scale: { min: 0, idle: "6s" }, timeout: "5s" }]
    })
  }
  const serves = () =>
    server.ask(host).then(
      ({ body, status }) => status === 200 && body === String(version),
      () => false
    )
  const logsAfter = async (after: string | undefined) => {
    const entries: Array<LogEntry> = []
    for await (const entry of server.client.logs("app", after === undefined ? {} : { after })) entries.push(entry)
    return entries
  }
  const audited = async () => (await server.client.audit.list()).map((each) => each.sequence)
  const statusWith = (token: string) =>
    fetch(`${server.url}/api/v1/auth/status`, { headers: { authorization: `Bearer ${token}` } }).then(
      (found) => found.status
    )

  beforeAll(async () => {
    postgres = await startFakedPostgres(folder, clock.environment)
    server = new ServerProcess(await freePort(), {
      ...clock.environment,
      ...postgres.environment,
      MAXCLOUD_RATE_LIMIT: "60"
    })
    await server.start()
    await deploy()
  }, 240_000)
  afterAll(async () => {
    await server.end("SIGTERM")
    await postgres.close()
    server.remove()
    source.remove()
    rmSync(folder, { recursive: true, force: true })
  })

  describe.each(steps)("by %s, and then back to the right time", (_, seconds) => {
    it("keeps working: requests, restarts, logs, audit, rate limits, deployments, SIGKILL after the grace, and zero", async () => {
      const key = await server.client.auth.apiKeys.create({
        name: `k${seconds}`,
        role: "viewer",
        expiresInSeconds: 7_200
      })
      for (const move of [seconds, 0]) {
        await until("an answer before", 60_000, serves)
        const before = await logsAfter(undefined)
        const sequences = await audited()
        const now = await postgres.now()
        // Used up at the moment of the step.
        await until("no more requests", 60_000, async () => (await statusWith(key.secret)) === 429)
        clock.set(move)
        await until("the step", 5_000, async () => Math.abs((await postgres.now()) - now) > 600_000)

        await until("an answer", 10_000, serves)
        // A jump ahead beyond its lifetime expires the key, and nothing else refuses it.
        let status = 429
        await until("the rate limit fills", 30_000, async () => {
          status = await statusWith(key.secret)
          return status !== 429
        })
        expect(status).toBe(move > 7_200 ? 401 : 200)

        await server.ask(host, "/die").catch(() => undefined)
        await until("a restart after a crash", 30_000, serves)

        const lines = await logsAfter(before.at(-1)?.cursor)
        expect(lines).not.toHaveLength(0)
        expect(lines.filter((line) => before.some((each) => each.cursor === line.cursor))).toHaveLength(0)
        expect((await logsAfter(undefined)).slice(-lines.length).map((each) => each.cursor)).toStrictEqual(
          lines.map((line) => line.cursor)
        )

        const old = groupsWith(canary)
        const began = performance.now()
        await deploy()
        expect(performance.now() - began).toBeLessThan(60_000)
        await until("the new version", 10_000, serves)
        // Drained for five seconds, then stopped within ten.
        await until("SIGKILL", 40_000, () => groupsWith(canary).every((group) => !old.includes(group)))

        const after = await audited()
        expect(after[0] ?? 0).toBeGreaterThan(sequences[0] ?? 0)
        expect(after).toStrictEqual([...after].sort((a, b) => b - a))
        await until("zero", 90_000, () => groupsWith(canary).length === 0)
        await until("one again", 30_000, serves)
      }
    }, 600_000)
  })

  it("continues as before after being stopped for a minute with its children", async () => {
    const deploying = deploy()
    await sleep(300)
    const all = [server.pid, ...withChildren(postgres.pid), ...processesWith(canary)]
    for (const pid of all) process.kill(pid, "SIGSTOP")
    await sleep(60_000)
    for (const pid of all) process.kill(pid, "SIGCONT")
    await deploying
    await until("an answer", 30_000, serves)
    await deploy()
    await until("the next version", 30_000, serves)
    const { state } = (await createClient({ apiUrl: server.url }).services.get("app")).status
    expect(["ready", "idle", "waking"]).toContain(state)
  }, 300_000)
})
