import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { request } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { namespaceFor } from "../cluster/wiredServer.ts"
import { describeCluster } from "../kubeApi/testCluster.ts"
import { asAdmin, type ClusterHarness, startClusterHarness } from "./clusterHarness.ts"
import { until } from "./requests.ts"

const main = join(import.meta.dirname, "../../../cli/src/main.ts")
const app = "hey"

const Pods = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, deletionTimestamp: Schema.optional(Schema.String) }),
      status: Schema.Struct({ phase: Schema.String })
    })
  )
})
const Labelled = Schema.Struct({
  metadata: Schema.Struct({ labels: Schema.Record({ key: Schema.String, value: Schema.String }) })
})

/** GET over a connection of its own. */
const get = (port: number, path = "/") =>
  new Promise<{ readonly bytes: number; readonly text: string; readonly sha256: string }>((resolve, reject) => {
    request({ host: "127.0.0.1", port, path, agent: false }, async (response) => {
      const digest = createHash("sha256")
      let bytes = 0
      let text = ""
      try {
        for await (const chunk of response) {
          digest.update(chunk)
          bytes += chunk.length
          if (text.length < 1_000) text += chunk.toString().slice(0, 1_000)
        }
        resolve({ bytes, text, sha256: digest.digest("hex") })
      } catch (error) {
        reject(error)
      }
    })
      .on("error", reject)
      .end()
  })

describeCluster("ports of instances, and a suspension, on the cluster of KUBECONFIG", () => {
  let harness: ClusterHarness
  const start = (args: ReadonlyArray<string>) => {
    const child = spawn(process.execPath, [main, ...args], {
      env: { ...process.env, NO_COLOR: "1", MAXCLOUD_API_URL: harness.server.url }
    })
    const printed = { stdout: "", stderr: "" }
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed.stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      printed.stderr += text
    })
    const code = new Promise<number | null>((resolve) => child.on("close", resolve))
    return { child, printed, code }
  }
  const maxcloud = async (...args: ReadonlyArray<string>) => {
    const { code, printed } = start(args)
    return { code: await code, ...printed }
  }
  /** A running `port-forward`, and its local port. */
  const forward = async (...args: ReadonlyArray<string>) => {
    const started = start(["port-forward", app, ...args])
    const line = await until(
      "its port",
      async () => /^127\.0\.0\.1:(\d+)$/m.exec(started.printed.stdout)?.[1] ?? started.printed.stderr,
      (text) => /^\d+$/.test(text)
    )
    return { ...started, port: Number(line) }
  }
  const namespace = () => namespaceFor(harness.organization, app)
  const pods = async () =>
    Schema.decodeUnknownSync(Pods)(await asAdmin({ method: "GET", path: pathOf(kinds.pod, namespace()) }))
      .items.filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && status.phase === "Running")
      .map(({ metadata }) => metadata.name)

  beforeAll(async () => {
    harness = await startClusterHarness("reach")
    const args = ["deploy", "--name", app, harness.image, "--port", "8080", "--min", "1", "--env", "VERSION=first"]
    const deployed = await maxcloud(...args)
    expect(deployed.code, deployed.stderr).toBe(0)
  }, 240_000)
  afterAll(() => harness?.close())

  it("carries a download of 100 MB and many connections, and goes to another instance when one ends", async () => {
    const { child, code, port, printed } = await forward("0:8080")
    const wanted = createHash("sha256")
    for (let n = 0; n < 100; n++) wanted.update(Buffer.alloc(1024 * 1024, "abcdefghijklmnopqrstuvwxyz"[n % 26]))
    const { bytes, sha256 } = await get(port, "/bytes?mb=100")
    expect([bytes, sha256]).toStrictEqual([100 * 1024 * 1024, wanted.digest("hex")])
    const answers = await Promise.all(Array.from({ length: 20 }, () => get(port)))
    expect(answers.every(({ text }) => text.startsWith("first "))).toBe(true)
    // The program has closed each of them, which isn't a failure.
    expect(printed.stderr).not.toContain("a connection failed")

    const [pod = ""] = await pods()
    const path = pathOf(kinds.pod, namespace(), pod)
    const open = get(port, "/?ms=120000")
    const broken = expect(open).rejects.toThrow()
    await asAdmin({ method: "DELETE", path, query: { gracePeriodSeconds: "0" } })
    await broken
    await until("another instance", pods, (names) => names.length > 0 && !names.includes(pod))
    await until(
      "its answer",
      () => get(port).then(({ text }) => text, String),
      (text) => text.startsWith("first ")
    )
    child.kill("SIGINT")
    expect(await code, printed.stderr).toBe(0)
  }, 240_000)

  it("refuses Knative's own ports, and says that nobody listens on another", async () => {
    for (const port of [8012, 8022, 9090]) {
      const refused = await maxcloud("port-forward", app, `0:${port}`)
      expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining("queue-proxy")])
    }
    const { child, code, port, printed } = await forward("0:4711")
    await expect(get(port)).rejects.toThrow()
    await until(
      "the reason",
      async () => printed.stderr,
      (text) => text.includes("Nothing listens on port 4711")
    )
    child.kill("SIGINT")
    expect(await code).toBe(0)
  }, 120_000)

  it("leaves a hotfix alone while the app is suspended, and reverts it at the end", async () => {
    const path = pathOf(kinds.service, namespace(), app)
    const version = async () =>
      Schema.decodeUnknownSync(Labelled)(await asAdmin({ method: "GET", path })).metadata.labels[
        "app.kubernetes.io/managed-by"
      ]
    const patch = () =>
      asAdmin({
        method: "PATCH",
        path,
        query: { fieldManager: "kubectl-edit" },
        contentType: "application/merge-patch+json",
        body: { metadata: { labels: { "app.kubernetes.io/managed-by": "hand" } } }
      })
    const before = await version()
    const suspended = await maxcloud("suspend", "--app", app, "--for", "5m", "--reason", "Hotfix")
    expect(suspended.code, suspended.stderr).toBe(0)
    await patch()
    const seen = await until(
      "the drift",
      () => maxcloud("drift", "--app", app),
      ({ stdout }) => stdout.includes("kubectl-edit")
    )
    expect(seen.stdout).toMatch(/kubectl-edit +not yet/)
    expect(seen.stderr).toContain('"Hotfix"')
    expect(await version()).toBe("hand")
    expect((await maxcloud("suspend", "--app", app, "--end")).code).toBe(0)
    await until("the repair", version, (found) => found === before)
  }, 120_000)
})
