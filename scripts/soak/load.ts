import { Agent, request } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import type { ServerProcess } from "../../server/test/serverProcess.ts"
import type { Totals } from "./Sample.ts"
import type { makeProject } from "./sources.ts"

/** The pace of the load. It's typical for one machine, not its maximum. */
const pace = { requestMs: 50, webSocketMs: 1_000, deployMs: 15_000, removeMs: 90_000, idleMs: 20_000, followMs: 30_000 }

type Writable<A> = { -readonly [Key in keyof A]: A[Key] }

/** Runs `task` again and again until `signal` aborts. Starts are at least this many milliseconds apart. */
const every = async (
  ms: number,
  signal: AbortSignal,
  task: () => Promise<void>,
  onFailure: (error: unknown) => void
) => {
  while (!signal.aborted) {
    const begun = performance.now()
    await task().catch((error: unknown) => {
      if (!signal.aborted) onFailure(error)
    })
    await sleep(Math.max(0, ms - (performance.now() - begun)), undefined, { signal }).catch(() => undefined)
  }
}

const hostOf = (service: string) => `${service}--local.localhost`

/** Opens an upgraded connection, sends some bytes and receives them back, then closes or drops it. */
const webSocket = (port: number, service: string, abrupt: boolean) =>
  new Promise<void>((resolve, reject) => {
    const headers = { host: `${hostOf(service)}:${port}`, connection: "upgrade", upgrade: "echo" }
    request({ host: "127.0.0.1", port, headers, agent: false, timeout: 10_000 })
      .on("upgrade", (_, socket) => {
        socket.on("error", () => {})
        socket.write("x".repeat(1_000))
        socket.once("data", () => {
          if (abrupt) socket.destroy()
          else socket.end()
          resolve()
        })
      })
      .on("response", ({ statusCode }) => reject(new Error(`a WebSocket got the status ${statusCode}`)))
      .on("timeout", () => reject(new Error("a WebSocket got no response within 10 s")))
      .on("error", reject)
      .end()
  })

type Project = ReturnType<typeof makeProject>

/** `passing`: the folder of the app that is deployed and removed in turn. It's separate, because an upload's files must not change. */
export const startLoad = (server: ServerProcess, project: Project, passing: Project, marker: string) => {
  const totals: Writable<Totals> = {
    requests: 0,
    failedRequests: 0,
    webSockets: 0,
    deployments: 0,
    failedDeployments: 0,
    removals: 0,
    logLines: 0
  }
  const failures: Array<string> = []
  let latencies: Array<number> = []
  const { client } = server
  const abort = new AbortController()
  const { signal } = abort
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const failed = (what: string) => (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error)
    if (failures.length < 20) failures.push(`${what}: ${message}`.slice(0, 300))
  }
  const failedRequest = (error: unknown) => {
    totals.failedRequests++
    failed("request")(error)
  }
  const ask = (service: string) =>
    new Promise<void>((resolve, reject) => {
      const begun = performance.now()
      const { port } = server
      request({ host: "127.0.0.1", port, agent, headers: { host: `${hostOf(service)}:${port}` } }, (response) => {
        response.resume().on("error", reject)
        response.on("end", () => {
          totals.requests++
          if (service === "steady") latencies.push(performance.now() - begun)
          if (response.statusCode === 200) resolve()
          else reject(new Error(`${service} responded with ${response.statusCode}`))
        })
      })
        .on("error", reject)
        .end()
    })
  const projectOf = (app: string) => (app === "passing" ? passing : project)
  const spec = (app: string, scale: Record<string, unknown>) => ({
    app,
    services: [{ name: app, source: projectOf(app).folder, env: { MARKER: marker }, scale }]
  })
  let version = 0
  const deploy = async (app: string, scale: Record<string, unknown>) => {
    projectOf(app).writeVersion(++version)
    await client.deploy(spec(app, scale), { signal })
    totals.deployments++
  }
  const first = async () => {
    await deploy("steady", { min: 1, max: 2 })
    await deploy("changing", { min: 1, max: 2 })
    await deploy("idle", { idle: "6s" })
  }
  const failedDeployment = (error: unknown) => {
    totals.failedDeployments++
    failed("deployment")(error)
  }
  let abrupt = false
  const run = () => [
    every(pace.requestMs, signal, () => ask("steady"), failedRequest),
    every(pace.requestMs * 2, signal, () => ask("changing"), failedRequest),
    every(pace.idleMs, signal, () => ask("idle"), failedRequest),
    every(
      pace.webSocketMs,
      signal,
      async () => {
        abrupt = !abrupt
        await webSocket(server.port, "steady", abrupt)
        totals.webSockets++
      },
      failed("WebSocket")
    ),
    every(pace.deployMs, signal, () => deploy("changing", { min: 1, max: 2 }), failedDeployment),
    every(
      pace.removeMs,
      signal,
      async () => {
        await deploy("passing", { min: 1 })
        await client.waitFor((await client.apps.destroy("passing", { signal })).id, { signal })
        totals.removals++
      },
      failedDeployment
    ),
    every(
      pace.followMs,
      signal,
      async () => {
        const until = AbortSignal.any([signal, AbortSignal.timeout(pace.followMs)])
        try {
          for await (const _ of client.logs("steady", { follow: true, tail: 0, signal: until })) totals.logLines++
        } catch (error) {
          if (!until.aborted) throw error
        }
      },
      failed("log")
    )
  ]
  let loops: ReadonlyArray<Promise<void>> = []
  return {
    totals,
    failures,
    begin: async () => {
      await first()
      loops = run()
    },
    takeLatencies: () => {
      const taken = latencies
      latencies = []
      return taken
    },
    stop: async () => {
      abort.abort()
      await Promise.all(loops)
      agent.destroy()
    }
  }
}
