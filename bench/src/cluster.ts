import { spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Client, createClient } from "@maxcloud/sdk"
import { defaultNamespacePrefix } from "../../server/src/base/words/namespacePrefix.ts"
import { bundledServerProgram } from "./bundledServer.ts"
import { freePort } from "./exampleApp.ts"
import { type Benchmark, type Row, whenItSays } from "./measure.ts"

/** The cluster for the cluster benchmarks. Other benchmarks always use the local runtime. */
export const clusterConfig = process.env.KUBECONFIG

/** A benchmark that needs the cluster of `KUBECONFIG`, with Knative. Without a cluster it prints that it's skipped. */
export const clusterBenchmark = (name: string, run: () => Promise<ReadonlyArray<Row>>, rows?: RegExp): Benchmark => ({
  name,
  rows,
  run: async () => {
    if (clusterConfig !== undefined) return run()
    console.log("  skipped: KUBECONFIG doesn't point to a cluster")
    return []
  }
})

/** Returns kubectl's output. If kubectl fails, throws an error with its message. */
export const kubectl = (args: ReadonlyArray<string>, input?: string): string => {
  const { error, status, stderr, stdout } = spawnSync("kubectl", args, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    ...(input === undefined ? {} : { input })
  })
  if (error !== undefined) throw new Error(`Couldn't run kubectl. Install it first: ${error.message}`)
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")} exited with ${status}: ${stderr}`)
  return stdout
}

/** Runs kubectl without blocking this process. */
export const kubectlBeside = (args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn("kubectl", args, { stdio: ["ignore", "ignore", "inherit"] })
    child.on("error", reject)
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`kubectl ${args.join(" ")} exited with ${code}`))
    )
  })

/** The runtime class of the measured pods, and of their peers': gVisor if the cluster has it. */
export const runtimeClass = (): string =>
  process.env.MAXCLOUD_RUNTIME_CLASS ??
  (kubectl(["get", "runtimeclass", "gvisor", "--ignore-not-found", "--output", "name"]) === "" ? "none" : "gvisor")

export const newName = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex")}`

/** The measured server's namespace for an app and stage of the organization `local`. */
export const localNamespace = (app: string, stage: string) => `${defaultNamespacePrefix}${app}--${stage}--local`

/** Starts the removal and doesn't wait, because it takes minutes if Knative's pods have run. */
export const removeNamespace = (namespace: string) =>
  void kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"])

/**
 * Prevents Knative from creating revisions and pods in a namespace, so that its Services stay plain objects. Hundreds of real pods would
 * distort the measurement of the apply.
 */
export const keepObjectsOnly = (namespace: string) =>
  void kubectl(
    ["apply", "--server-side", "--filename=-"],
    JSON.stringify({
      apiVersion: "v1",
      kind: "ResourceQuota",
      metadata: { name: "objects-only", namespace },
      spec: { hard: { "count/configurations.serving.knative.dev": "0" } }
    })
  )

/** Creates a temporary folder, and removes it after use. */
export const inFolder = async <A>(use: (folder: string) => Promise<A>): Promise<A> => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
  try {
    return await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export const writeManifests = (folder: string, items: ReadonlyArray<unknown>): string => {
  const file = join(folder, "manifests.json")
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }))
  return file
}

/** Starts the bundled server on the cluster with its own database, and passes a client for it. The registry of `image` is used over plain HTTP. */
export const withClusterServer = <A>(
  use: (client: Client, url: string, pid: number) => Promise<A>,
  image?: string
): Promise<A> =>
  inFolder(async (folder) => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    return whenItSays(
      ["-e", bundledServerProgram],
      /ready/,
      (_, __, pid) => use(createClient({ apiUrl: url }), url, pid),
      {
        ...process.env,
        MAXCLOUD_RUNTIME_CLASS: runtimeClass(),
        MAXCLOUD_RUNTIME: "kubernetes",
        MAXCLOUD_KUBECONFIG: clusterConfig,
        MAXCLOUD_PORT: String(port),
        MAXCLOUD_DATA_DIR: folder,
        MAXCLOUD_INSECURE_REGISTRIES: image?.split("/")[0] ?? "",
        MAXCLOUD_LOG: "json"
      }
    )
  })

export const elapsedSince = (start: bigint) => Number(process.hrtime.bigint() - start) / 1e9
