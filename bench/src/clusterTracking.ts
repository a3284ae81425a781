import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { inFolder } from "./cluster.ts"
import { freePort } from "./exampleApp.ts"
import { makeFakeCluster } from "./fakeCluster.ts"
import { type Benchmark, seconds, times } from "./measure.ts"

const namespaces = 50
const counts = [0, 500, 1_000, 2_000]
const restMillis = 10_000
const changesPerSecond = 100

const kubeconfig = (port: number) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "fake",
    contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
    clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
    users: [{ name: "fake", user: { token: "fake" } }]
  })

interface Tracked {
  readonly syncSeconds: number
  readonly syncCpuSeconds: number
  readonly heap: number
  /** Processor seconds per second. */
  readonly atRest: number
  readonly perChange: number
}

const pause = (millis: number) => new Promise((resolve) => setTimeout(resolve, millis))

/** Measures a new process that tracks this many services. */
const track = (services: number): Promise<Tracked> =>
  inFolder(async (folder) => {
    const cluster = makeFakeCluster(services, namespaces)
    const server = createServer(cluster.answer)
    const port = await freePort()
    await new Promise<void>((listening) => server.listen(port, "127.0.0.1", listening))
    const config = join(folder, "kubeconfig")
    writeFileSync(config, kubeconfig(port))
    const child = spawn(process.execPath, ["--expose-gc", join(import.meta.dirname, "trackingPart.ts")], {
      env: { ...process.env, KUBECONFIG: config },
      stdio: ["pipe", "pipe", "inherit"]
    })
    try {
      const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const next = async () => {
        const { done, value } = await answers.next()
        if (done === true) throw new Error("the tracking process has exited")
        return JSON.parse(value)
      }
      const usage = async () => {
        child.stdin.write("\n")
        return await next()
      }
      const synced = await next()
      if (synced.sizes.service !== services || synced.sizes.secret !== services) {
        throw new Error(`some objects aren't tracked: ${JSON.stringify(synced.sizes)}`)
      }
      await usage()
      await pause(restMillis)
      const rest = await usage()
      const changes = services === 0 ? 0 : 1_000
      for (let index = 0; index < changes; index++) {
        cluster.touch((index * 7) % services)
        if (index % 10 === 9) await pause(10_000 / changesPerSecond)
      }
      const busy = await usage()
      return {
        syncSeconds: synced.syncSeconds,
        syncCpuSeconds: synced.syncCpuSeconds,
        heap: synced.heap,
        atRest: rest.cpuSeconds / (restMillis / 1000),
        perChange: busy.cpuSeconds / Math.max(1, changes)
      }
    } finally {
      child.kill("SIGKILL")
      server.closeAllConnections()
      server.close()
    }
  })

/** The memory, time and processor use of tracking, by the number of services. The API server is a fake, so this needs no pods. */
export const clusterTrackingBenchmark: Benchmark = {
  name: "clusterTracking",
  run: async () => {
    const tracked = new Map<number, Tracked>()
    for (const count of counts) tracked.set(count, await track(count))
    const of = (count: number): Tracked => {
      const found = tracked.get(count)
      if (found === undefined) throw new Error(`no measurement of ${count} services`)
      return found
    }
    const [none, few, half, all] = [of(0), of(500), of(1_000), of(2_000)]
    const perService = (count: number) => (of(count).heap - none.heap) / count
    const kilobytes = (bytes: number) => `${(bytes / 1e3).toFixed(1)} kB`
    const row = (work: string, ours: string, peer: string, ratio: string, goal: string) => ({
      work,
      ours,
      peer,
      ratio,
      goal
    })
    return [
      row(
        `2,000 services over ${namespaces} namespaces tracked (objects of a fake API server, no pods): memory per service`,
        kilobytes(perService(2_000)),
        `of 500: ${kilobytes(perService(500))}, of 1,000: ${kilobytes(perService(1_000))}`,
        times(perService(2_000) / perService(500)),
        "linear: about 1 ×"
      ),
      row(
        "the same, not counting process start, until everything is cached",
        seconds(all.syncSeconds),
        `500: ${seconds(few.syncSeconds)}, 1,000: ${seconds(half.syncSeconds)}`,
        times((all.syncCpuSeconds - none.syncCpuSeconds) / (few.syncCpuSeconds - none.syncCpuSeconds)),
        "linear: processor about 4 ×"
      ),
      row(
        "the same, processor at rest",
        `${(all.atRest * 100).toFixed(2)} %`,
        `no services: ${(none.atRest * 100).toFixed(2)} %`,
        "",
        "≤ 1 %"
      ),
      row(
        `the same, processor per change of a service, ${changesPerSecond} changes a second`,
        seconds(all.perChange).replace(/^0 ms$/, `${Math.round(all.perChange * 1e6)} µs`),
        `500: ${Math.round(few.perChange * 1e6)} µs`,
        times(all.perChange / few.perChange),
        "about 1 ×"
      )
    ]
  }
}
