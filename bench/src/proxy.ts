import { spawnSync } from "node:child_process"
import { join } from "node:path"
import { type Benchmark, median, times, whenItSays } from "./measure.ts"

const rounds = 7
const seconds = 4
const connections = 32

interface Load {
  readonly requestsPerSecond: number
  readonly p99Ms: number
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000 }

/** Sends load to a port with wrk, and parses its report. */
const load = (port: number, duration = seconds): Load => {
  const url = `http://127.0.0.1:${port}/`
  const { error, stdout } = spawnSync("wrk", ["-t1", `-c${connections}`, `-d${duration}s`, "--latency", url], {
    encoding: "utf8"
  })
  if (error !== undefined)
    throw new Error("Command not found: wrk. Install it, for example with `apt-get install wrk`.")
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]
  const p99 = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout)
  if (rate === undefined || p99 === null || /Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  return { requestsPerSecond: Number(rate), p99Ms: Number(p99[1]) * (unitMs[p99[2] ?? "ms"] ?? 1) }
}

const part = <A>(args: ReadonlyArray<string>, use: (port: number) => Promise<A>): Promise<A> =>
  whenItSays([join(import.meta.dirname, "proxyParts.ts"), ...args], /port (\d+)/, (match) => use(Number(match[1])))

/** Requests through the front to a warm service, compared with a ten-line keep-alive proxy for the same service. */
export const measureProxy = (): Promise<{ readonly ours: Load; readonly peer: Load; readonly ratios: Load }> =>
  part(["instance"], (instance) =>
    part(["plain", String(instance)], (plain) =>
      part(["ours", String(instance)], async (ours) => {
        load(plain, 2)
        load(ours, 2)
        const pairs: Array<{ readonly ours: Load; readonly peer: Load }> = []
        for (let round = 0; round < rounds; round++) pairs.push({ peer: load(plain), ours: load(ours) })
        const middle = (of: (pair: (typeof pairs)[number]) => number) => median(pairs.map(of))
        return {
          ours: {
            requestsPerSecond: middle((one) => one.ours.requestsPerSecond),
            p99Ms: middle((one) => one.ours.p99Ms)
          },
          peer: {
            requestsPerSecond: middle((one) => one.peer.requestsPerSecond),
            p99Ms: middle((one) => one.peer.p99Ms)
          },
          // Compute the ratio for each pair, because the machine's other load changes between pairs.
          ratios: {
            requestsPerSecond: middle((one) => one.ours.requestsPerSecond / one.peer.requestsPerSecond),
            p99Ms: middle((one) => one.ours.p99Ms / one.peer.p99Ms)
          }
        }
      })
    )
  )

export const proxyBenchmark: Benchmark = {
  name: "proxy",
  run: async () => {
    const { ours, peer, ratios } = await measureProxy()
    const rate = (value: Load) => `${Math.round(value.requestsPerSecond)} requests/s`
    const p99 = (value: Load) => `${value.p99Ms.toFixed(1)} ms`
    return [
      {
        work: `requests through the proxy, ${connections} connections`,
        ours: rate(ours),
        peer: `ten-line node:http proxy: ${rate(peer)}`,
        ratio: times(ratios.requestsPerSecond),
        goal: "≥ 0.8 ×"
      },
      {
        work: "the same, 99th percentile of latency",
        ours: p99(ours),
        peer: `ten-line node:http proxy: ${p99(peer)}`,
        ratio: times(ratios.p99Ms),
        goal: "≤ 1.3 ×"
      }
    ]
  }
}

if (import.meta.main) console.log(JSON.stringify(await measureProxy()))
