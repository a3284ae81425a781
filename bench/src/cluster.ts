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

/** The cluster that is measured against. Other benchmarks run on the local runtime, whatever this says. */
export const clusterConfig = process.env.KUBECONFIG

/** A benchmark that needs the cluster of `KUBECONFIG`, which has Knative; without one it says that it is left out. */
export const clusterBenchmark = (name: string, run: () => Promise<ReadonlyArray<Row>>): Benchmark => ({
  name,
  run: async () => {
    if (clusterConfig !== undefined) return run()
    console.log("  left out: KUBECONFIG names no cluster")
    return []
  }
})

/** kubectl's output; throws what it says where it fails. */
export const kubectl = (args: ReadonlyArray<string>, input?: string): string => {
  const { error, status, stderr, stdout } = spawnSync("kubectl", args, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    ...(input === undefined ? {} : { input })
  })
  if (error !== undefined) throw new Error(`kubectl is missing: ${error.message}`)
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")} ended with ${status}: ${stderr}`)
  return stdout
}

/** kubectl's work while this process goes on. */
export const kubectlBeside = (args: ReadonlyArray<string>): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn("kubectl", args, { stdio: ["ignore", "ignore", "inherit"] })
    child.on("error", reject)
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`kubectl ${args.join(" ")} ended with ${code}`))
    )
  })

export const newName = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex")}`

/** Its removal is begun and not waited for: it lasts minutes where Knative's pods have run. */
/** Namespace of an app and stage of the organization `local`, as the measured server names it. */
export const localNamespace = (app: string, stage: string) => `${defaultNamespacePrefix}${app}--${stage}--local`

export const removeNamespace = (namespace: string) =>
  void kubectl(["delete", "namespace", namespace, "--ignore-not-found", "--wait=false"])

/**
 * Keeps Knative from making revisions and pods of a namespace's Services: they stay objects. Hundreds of real ones would be measured in the
 * place of what applies them.
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

/** A folder for as long as it is used. */
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

/** The bundled server as a process on the cluster, with a database of its own, and a client of it. `image`: its registry is asked by plain HTTP. */
export const withClusterServer = <A>(use: (client: Client, url: string) => Promise<A>, image?: string): Promise<A> =>
  inFolder(async (folder) => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    return whenItSays(["-e", bundledServerProgram], /ready/, () => use(createClient({ apiUrl: url }), url), {
      ...process.env,
      MAXCLOUD_RUNTIME: "kubernetes",
      MAXCLOUD_KUBECONFIG: clusterConfig,
      MAXCLOUD_PORT: String(port),
      MAXCLOUD_DATA_DIR: folder,
      MAXCLOUD_INSECURE_REGISTRIES: image?.split("/")[0] ?? "",
      MAXCLOUD_LOG: "json"
    })
  })

export const elapsedSince = (start: bigint) => Number(process.hrtime.bigint() - start) / 1e9
