import { request } from "node:http"
import { join } from "node:path"
import type { Client } from "@maxcloud/sdk"
import {
  clusterBenchmark,
  elapsedSince,
  kubectl,
  localNamespace,
  newName,
  removeNamespace,
  runtimeClass,
  withClusterServer
} from "./cluster.ts"
import { withLinesImage } from "./clusterImage.ts"
import { LogFollower } from "./LogFollower.ts"
import { median, processorSeconds, seconds, times } from "./measure.ts"

const maxcloud = join(import.meta.dirname, "../../cli/bin/maxcloud.js")
const lines = 200_000
const rounds = 3
const limitMillis = 120_000
const manyFollowers = 5

/** The cluster's ingress: hosts of services may not be in DNS here. */
const ingress = new URL(process.env.MAXCLOUD_TEST_INGRESS ?? "http://127.0.0.1:31080")

/** Asks the service for lines as its users do, through the ingress. */
const askForLines = (host: string, count: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const asked = request(
      { host: ingress.hostname, port: ingress.port, path: `/?count=${count}`, headers: { host }, agent: false },
      (response) => {
        response.resume().on("end", () => {
          if (response.statusCode === 200) resolve()
          else reject(new Error(`${host} answered ${response.statusCode} through ${ingress.href}`))
        })
      }
    )
    asked.on("error", reject).end()
  })

interface Result {
  readonly rate: number
  /** Seconds of the followers, and of the server meanwhile. */
  readonly follower: number
  readonly server: number
}

/** From the request for lines until each follower has printed the last one. */
const follow = async (
  followers: ReadonlyArray<LogFollower>,
  write: (count: number) => Promise<void>,
  server: number
): Promise<Result> => {
  try {
    // A follower is connected once it prints a line written after its start.
    for (let tries = 0; ; tries++) {
      const before = followers.map(({ count }) => count)
      await write(1)
      const came = await Promise.all(followers.map((each, n) => each.until((before[n] ?? 0) + 1, 2_000)))
      if (came.every(Boolean)) break
      if (tries === 15) throw new Error(`${followers[0]?.command} prints no lines`)
    }
    await Promise.all(followers.map((each) => each.until(Number.POSITIVE_INFINITY, 1_000)))
    const processor = () => followers.reduce((sum, { pid }) => sum + processorSeconds(pid), 0)
    const before = {
      counts: followers.map(({ count }) => count),
      follower: processor(),
      server: processorSeconds(server)
    }
    const start = process.hrtime.bigint()
    const written = write(lines)
    const came = await Promise.all(followers.map((each, n) => each.until((before.counts[n] ?? 0) + lines, limitMillis)))
    if (!came.every(Boolean)) {
      const got = followers.map(({ count }, n) => count - (before.counts[n] ?? 0))
      throw new Error(
        `${followers[0]?.command}: ${got.join(", ")} of ${lines} lines arrived within ${limitMillis / 1000} s`
      )
    }
    const rate = lines / elapsedSince(start)
    await written
    return { rate, follower: processor() - before.follower, server: processorSeconds(server) - before.server }
  } finally {
    await Promise.all(followers.map((each) => each.end()))
  }
}

const measure = async (client: Client, url: string, image: string, server: number) => {
  const stage = newName("b")
  const namespace = localNamespace("lines", stage)
  try {
    await client.deploy(
      { app: "lines", services: [{ name: "lines", image, port: 8080, env: { BYTES: "20" }, scale: { min: 1 } }] },
      { stage }
    )
    const pod = kubectl(["get", "pods", "--namespace", namespace, "--output", "jsonpath={.items[0].metadata.name}"])
    const { status } = await client.services.get("lines", { app: "lines", stage })
    if (status.url === null) throw new Error("the service has no URL")
    const { host } = new URL(status.url)
    const write = (count: number) => askForLines(host, count)
    const env = { ...process.env, MAXCLOUD_API_URL: url, NO_COLOR: "1" }
    const ours = (...more: ReadonlyArray<string>) =>
      new LogFollower(
        process.execPath,
        [maxcloud, "logs", "lines", "--follow", "--stage", stage, "--tail", "0", ...more],
        env
      )
    const peer = () =>
      new LogFollower(
        "kubectl",
        ["logs", "--namespace", namespace, pod, "--container", "user-container", "--follow", "--tail", "0"],
        env
      )
    await write(1)
    const results: Array<Readonly<Record<"peer" | "text" | "json" | "many", Result>>> = []
    for (let round = 0; round < rounds; round++) {
      results.push({
        peer: await follow([peer()], write, server),
        text: await follow([ours()], write, server),
        json: await follow([ours("--json")], write, server),
        many: await follow(
          Array.from({ length: manyFollowers }, () => ours()),
          write,
          server
        )
      })
    }
    return results
  } finally {
    removeNamespace(namespace)
  }
}

/** How fast followers receive lines that a pod writes all at once, and the processor time of each part. */
export const clusterLogsBenchmark = clusterBenchmark(
  "clusterLogs",
  () =>
    withLinesImage((image) =>
      withClusterServer(async (client, url, pid) => {
        const results = await measure(client, url, image, pid)
        const of = (read: (result: (typeof results)[number]) => number) => median(results.map(read))
        const rate = (kind: keyof (typeof results)[number]) => `${Math.round(of((each) => each[kind].rate))} lines/s`
        const processor = (kind: keyof (typeof results)[number], name: string) =>
          `${name} ${seconds(of((each) => each[kind].follower))}, server ${seconds(of((each) => each[kind].server))}`
        const total = (kind: keyof (typeof results)[number]) =>
          of((each) => each[kind].follower) + of((each) => each[kind].server)
        return [
          {
            work: `\`maxcloud logs -f\` of a pod that writes ${lines.toLocaleString("en")} lines at once (runtime class ${runtimeClass()})`,
            ours: rate("text"),
            peer: `\`kubectl logs -f\` ${rate("peer")}`,
            ratio: times(of((each) => each.text.rate / each.peer.rate)),
            goal: "≥ 1.2 ×"
          },
          {
            work: "logs of the same pod, processor time (the server also stores the lines)",
            ours: processor("text", "CLI"),
            peer: processor("peer", "kubectl"),
            ratio: times(total("text") / total("peer")),
            goal: ""
          },
          {
            work: "logs of the same pod with `--json`: time",
            ours: rate("json"),
            peer: `without ${rate("text")}`,
            ratio: times(of((each) => each.text.rate / each.json.rate)),
            goal: "≤ 2 ×"
          },
          {
            work: `logs of the same pod for ${manyFollowers} followers, until each has all lines: processor time of the server`,
            ours: `${seconds(of((each) => each.many.server))}, each ${rate("many")}`,
            peer: `one follower ${seconds(of((each) => each.text.server))}`,
            ratio: times(of((each) => each.many.server / each.text.server)),
            goal: ""
          }
        ]
      }, image)
    ),
  /^(`maxcloud logs -f` of a pod|logs of the same pod)/
)
