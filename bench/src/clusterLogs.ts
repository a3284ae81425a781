import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import type { Client } from "@maxcloud/sdk"
import {
  clusterBenchmark,
  elapsedSince,
  kubectl,
  kubectlBeside,
  localNamespace,
  newName,
  removeNamespace,
  withClusterServer
} from "./cluster.ts"
import { withLinesImage } from "./clusterImage.ts"
import { inRounds, median, times } from "./measure.ts"

const maxcloud = join(import.meta.dirname, "../../cli/bin/maxcloud.js")
const lines = 200_000
const rounds = 3
const limitMillis = 120_000

/** Counts the lines that a log follower prints. */
class Follower {
  readonly #child: ChildProcess
  readonly command: string
  count = 0
  #told: (() => void) | undefined

  constructor(command: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv) {
    this.command = [command, ...args].join(" ")
    this.#child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] })
    this.#child.stdout?.on("data", (piece: Buffer) => {
      for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) this.count++
      this.#told?.()
    })
  }

  until(count: number, limit: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (came: boolean) => {
        clearTimeout(timer)
        this.#told = undefined
        resolve(came)
      }
      const timer = setTimeout(() => finish(false), limit)
      this.#told = () => {
        if (this.count >= count) finish(true)
      }
      this.#told()
    })
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve())
      this.#child.kill("SIGTERM")
    })
  }
}

/** Lines per second, from the request to the pod until the follower has printed the last line. */
const follow = async (follower: Follower, write: (count: number) => Promise<void>): Promise<number> => {
  try {
    // The follower is connected once it prints a line written after its start.
    for (let tries = 0; ; tries++) {
      await write(1)
      if (await follower.until(follower.count + 1, 2_000)) break
      if (tries === 15) throw new Error(`${follower.command} prints no lines`)
    }
    await follower.until(Number.POSITIVE_INFINITY, 1_000)
    const before = follower.count
    const start = process.hrtime.bigint()
    const written = write(lines)
    if (!(await follower.until(before + lines, limitMillis))) {
      throw new Error(
        `${follower.command}: ${follower.count - before} of ${lines} lines arrived within ${limitMillis / 1000} s`
      )
    }
    const taken = elapsedSince(start)
    await written
    return lines / taken
  } finally {
    await follower.end()
  }
}

const measure = async (client: Client, url: string, image: string) => {
  const stage = newName("b")
  const namespace = localNamespace("lines", stage)
  try {
    await client.deploy(
      { app: "lines", services: [{ name: "lines", image, port: 8080, env: { BYTES: "20" }, scale: { min: 1 } }] },
      { stage }
    )
    const pod = kubectl(["get", "pods", "--namespace", namespace, "--output", "jsonpath={.items[0].metadata.name}"])
    const write = (count: number) =>
      kubectlBeside(["get", "--raw", `/api/v1/namespaces/${namespace}/pods/${pod}:8080/proxy/?count=${count}`])
    const env = { ...process.env, MAXCLOUD_API_URL: url, NO_COLOR: "1" }
    return await inRounds(
      rounds,
      () =>
        follow(
          new Follower(process.execPath, [maxcloud, "logs", "lines", "--follow", "--stage", stage, "--tail", "0"], env),
          write
        ),
      () =>
        follow(
          new Follower(
            "kubectl",
            ["logs", "--namespace", namespace, pod, "--container", "user-container", "--follow", "--tail", "0"],
            env
          ),
          write
        )
    )
  } finally {
    removeNamespace(namespace)
  }
}

/** How fast a follower receives lines that a pod writes all at once. */
export const clusterLogsBenchmark = clusterBenchmark("clusterLogs", () =>
  withLinesImage((image) =>
    withClusterServer(async (client, url) => {
      const results = await measure(client, url, image)
      const rate = (of: (pair: (typeof results)[number]) => number) => `${Math.round(median(results.map(of)))} lines/s`
      return [
        {
          work: `\`maxcloud logs -f\` of a pod that writes ${lines.toLocaleString("en")} lines at once`,
          ours: rate((one) => one.ours),
          peer: `\`kubectl logs -f\` ${rate((one) => one.peer)}`,
          ratio: times(median(results.map((result) => result.ours / result.peer))),
          goal: "≥ 1 ×"
        }
      ]
    }, image)
  )
)
