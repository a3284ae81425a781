import { mkdtempSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bundledServerProgram } from "./bundledServer.ts"
import { freePort, secondsUntil } from "./exampleApp.ts"
import { type Benchmark, median, whenItSays } from "./measure.ts"
import { type Body, makeBodies } from "./worstBodies.ts"

const bodies = 10_000
/** How many of the slowest bodies to send again, because other programs on the machine may have delayed some. */
const suspects = 20
const repetitions = 7

const ask = (agent: Agent, url: string, path: string, body?: string) =>
  new Promise<number>((resolve, reject) => {
    const start = performance.now()
    const sent = request(
      url + path,
      body === undefined ? { agent } : { agent, method: "POST", headers: { "content-type": "application/json" } },
      (response) => response.resume().on("end", () => resolve(performance.now() - start))
    )
    sent.on("error", reject).end(body)
  })

/** The longest latency of `/healthz` while `work` runs, requested again after each response. */
const longestWait = async (agent: Agent, url: string, work: () => Promise<unknown>) => {
  let longest = 0
  let ended = false
  const asking = (async () => {
    while (!ended) longest = Math.max(longest, await ask(agent, url, "/healthz"))
  })()
  await work()
  ended = true
  await asking
  return longest
}

/** How long the worst of many requests within the limits delays other requests. */
export const oneRequestBenchmark: Benchmark = {
  name: "oneRequest",
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    const result = await whenItSays(
      ["-e", bundledServerProgram],
      /ready/,
      async () => {
        const agent = new Agent({ keepAlive: true })
        await secondsUntil(() =>
          ask(agent, url, "/healthz").then(
            () => true,
            () => false
          )
        )
        // The first requests load and compile code that all of them need.
        for (const { body, path } of makeBodies(100)) await ask(agent, url, path, body)
        const rest = await longestWait(agent, url, () => new Promise((resolve) => setTimeout(resolve, 5_000)))
        let slowest: ReadonlyArray<{ readonly one: Body; readonly wait: number }> = []
        for (const one of makeBodies(bodies)) {
          const wait = await longestWait(agent, url, () => ask(agent, url, one.path, one.body))
          slowest = [...slowest, { one, wait }].toSorted((a, b) => b.wait - a.wait).slice(0, suspects)
        }
        const again = []
        for (const { one } of slowest) {
          const times = []
          for (let nth = 0; nth < repetitions; nth++) {
            times.push(await longestWait(agent, url, () => ask(agent, url, one.path, one.body)))
          }
          again.push({ one, wait: median(times) })
        }
        agent.destroy()
        const [worst] = again.toSorted((a, b) => b.wait - a.wait)
        return { rest, first: slowest[0]?.wait ?? Number.NaN, worst }
      },
      { ...process.env, MAXCLOUD_LOG: "json", MAXCLOUD_PORT: String(port), MAXCLOUD_DATA_DIR: folder }
    )
    rmSync(folder, { recursive: true, force: true })
    return [
      {
        work: `longest \`/healthz\` latency while the server handles the worst of ${bodies.toLocaleString("en-US")} generated bodies within the limits (${result.worst?.one.kind}, ${Math.round((result.worst?.one.body.length ?? 0) / 1024)} KiB), median of ${repetitions}`,
        ours: `${Math.round(result.worst?.wait ?? Number.NaN)} ms`,
        peer: `idle server: ${Math.round(result.rest)} ms`,
        ratio: `longest seen once: ${Math.round(result.first)} ms`,
        goal: "≤ 50 ms"
      }
    ]
  }
}
