import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "@maxcloud/sdk"
import { bundledServerProgram } from "./bundledServer.ts"
import { freePort, makeExampleApp, secondsUntil } from "./exampleApp.ts"
import { type Benchmark, interleaved, megabytes, seconds, timeOf, whenItSays } from "./measure.ts"

const statusOf = (pid: number, field: string) => {
  try {
    return new RegExp(`^${field}:\\s+(\\S+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]
  } catch {
    return undefined
  }
}

const resident = (pid: number) => Number(statusOf(pid, "VmRSS") ?? Number.NaN) * 1024

/** The proportional set size of all Postgres processes of the folder, because they share most of their memory. */
const proportional = (folder: string) => {
  const postmaster = Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n")[0])
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid === postmaster || Number(statusOf(pid, "PPid")) === postmaster)
    .reduce(
      (sum, pid) =>
        sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024,
      0
    )
}

const findPostgres = (folder: string) => {
  const found = readdirSync(folder, { recursive: true, encoding: "utf8" }).find((text) =>
    text.endsWith("postmaster.pid")
  )
  if (found === undefined) throw new Error(`No Postgres is running in ${folder}.`)
  return join(folder, found, "..")
}

/** The wait until the server is idle: after a while without work, V8 releases memory from the start. */
const restMs = 40_000

/** How fast the bundled server starts with existing data, and its memory at rest and with 1,000 idle services. */
export const serverBenchmark: Benchmark = {
  name: "server",
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
    chmodSync(folder, 0o755)
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const server = <A>(use: (pid: number, elapsed: number) => Promise<A>) => {
      const start = process.hrtime.bigint()
      return whenItSays(
        ["-e", bundledServerProgram],
        /ready/,
        async (_match, _elapsed, pid) => {
          await secondsUntil(() =>
            fetch(`${url}/healthz`).then(
              (found) => found.ok,
              () => false
            )
          )
          return use(pid, Number(process.hrtime.bigint() - start) / 1e9)
        },
        { ...process.env, MAXCLOUD_LOG: "json", MAXCLOUD_PORT: String(port), MAXCLOUD_DATA_DIR: folder }
      )
    }
    const [start = Number.NaN, bare = Number.NaN] = await interleaved(5, [
      () => server(async (_, elapsed) => elapsed),
      () => timeOf(process.execPath, ["-e", "0"])
    ])
    const app = makeExampleApp()
    const memory = await server(async (pid) => {
      await new Promise((resolve) => setTimeout(resolve, restMs))
      const rest = resident(pid)
      const database = proportional(findPostgres(folder))
      for (let nth = 0; nth < 2; nth++) {
        await createClient({ apiUrl: url }).deploy({
          app: `many-${nth}`,
          services: Array.from({ length: 500 }, (_, index) => ({
            name: `s-${nth}-${index}`,
            source: app.folder,
            scale: { idle: "6s" }
          }))
        })
      }
      const client = createClient({ apiUrl: url })
      await secondsUntil(async () => (await client.services.list()).every((each) => each.status.instances === 0), 300)
      return { rest, database }
    })
    // Measure after a restart, to leave out the deployment's own memory.
    const many = await server(async (pid) => {
      await new Promise((resolve) => setTimeout(resolve, restMs))
      return resident(pid)
    })
    app.remove()
    rmSync(folder, { recursive: true, force: true })
    const row = (work: string, ours: string, peer: string, goal: string) => ({ work, ours, peer, ratio: "", goal })
    return [
      row("server start with data, until `/healthz`", seconds(start), `\`node -e 0\` ${seconds(bare)}`, "≤ 1.5 s"),
      row("idle server, resident memory", megabytes(memory.rest), "", "≤ 160 MB"),
      row("embedded database at rest (proportional)", megabytes(memory.database), "", "≤ 80 MB"),
      row("1,000 idle services, additional memory", megabytes(many - memory.rest), "", "≤ 100 MB")
    ]
  }
}
