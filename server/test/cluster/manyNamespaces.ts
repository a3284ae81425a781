import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import {
  AppName,
  OrganizationName,
  parseAppSpec,
  productionStage,
  ServiceName,
  StageName
} from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { label, type Manifest, namespaceOf, offlineTenant, synth, synthNamespace } from "@maxcloud/synth"
import { Effect, Either, Exit, Scope } from "effect"
import { build } from "esbuild"
import { bundles, optionsOf } from "../../../scripts/bundles.ts"
import { defaultNamespacePrefix } from "../../src/base/words/namespacePrefix.ts"
import { layer } from "../../src/runtimes/kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { kindOf, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { freePort } from "../freePort.ts"
import { startControlPlane } from "../kubeApi/controlPlane.ts"
import { wiredClusterOf } from "../kubeApi/testProxy.ts"
import { startPostgres } from "../replicas/startPostgres.ts"
import { ServerProcess } from "../serverProcess.ts"

export interface ManyNamespaces {
  readonly objects: number
  /** The most connections to the API server at any moment that was looked at. */
  readonly connections: number
  /** From the start of the server's process until it follows everything. */
  readonly syncSeconds: number
  /** Processor time of the server's process until then. */
  readonly syncCpuSeconds: number
  /** Until it follows everything again after all connections were cut at once. */
  readonly reconnectSeconds: number
  /** Resident memory, once every namespace's Secrets have been checked, and its maximum since the start. */
  readonly residentBytes: number
  readonly mostResidentBytes: number
  /** How long the sweep took for all namespaces. */
  readonly sweepSeconds: number
}

const perOrganization = 100
const app = AppName.make("shop")
const stage = StageName.make(productionStage)

const organizationOf = (index: number) => ({
  organizationId: OrganizationId.make(`org_${index.toString(16).padStart(32, "0")}`),
  organization: OrganizationName.make(`many-${index}`)
})

/** What an app with one service consists of, as the server applies it and as Knative creates it, all without an instance. */
const objectsOf = (index: number): { readonly namespace: string; readonly objects: ReadonlyArray<Manifest> } => {
  const owner = organizationOf(Math.floor(index / perOrganization))
  const named = AppName.make(`${app}-${index}`)
  const namespace = namespaceOf({ ...owner, app: named, stage, namespacePrefix: defaultNamespacePrefix })
  const spec = Either.getOrThrow(
    parseAppSpec({
      app: named,
      services: [{ name: "web", image: "dev.local/hello:1", env: { TOKEN: { secret: "token" }, LEVEL: "info" } }]
    })
  )
  const tenant = offlineTenant(spec, { ...owner, stage, namespacePrefix: defaultNamespacePrefix })
  const own = synth(spec, tenant)
  const labels = own.find(({ kind }) => kind === "Service")?.metadata.labels ?? {}
  const ofKnative = (kind: string, name: string, more: object): Manifest => ({
    apiVersion: "serving.knative.dev/v1",
    kind,
    metadata: { name, labels },
    ...more
  })
  const created = [
    ofKnative("Revision", `${ServiceName.make("web")}-00001`, {
      spec: { containers: [{ name: "user-container", image: "dev.local/hello:1" }] }
    }),
    ofKnative("Route", "web", { spec: {} })
  ]
  const around = synthNamespace(tenant).map((object) =>
    object.kind === "Namespace"
      ? {
          ...object,
          metadata: {
            ...object.metadata,
            labels: { ...object.metadata.labels, [label.organizationId]: owner.organizationId }
          }
        }
      : object
  )
  return { namespace, objects: [...around, ...own, ...created] }
}

const createAll = (count: number, kubeconfig: string): Promise<number> =>
  Effect.runPromise(
    Effect.gen(function* () {
      const api = yield* KubeApi
      let objects = 0
      const create = (manifest: Manifest, namespace: string) => {
        const kind = kindOf(manifest)
        if (kind === undefined) return Effect.dieMessage(`unknown kind ${manifest.kind}`)
        objects++
        return api.request({
          method: "PATCH",
          path: pathOf(kind, namespace, manifest.metadata.name),
          query: { fieldManager: "maxcloud", force: "true" },
          contentType: "application/apply-patch+yaml",
          body: manifest
        })
      }
      yield* Effect.forEach(
        Array.from({ length: count }, (_, index) => objectsOf(index)),
        ({ namespace, objects: [first, ...others] }) =>
          first === undefined
            ? Effect.void
            : Effect.zipRight(
                create(first, namespace),
                Effect.forEach(others, (one) => create(one, namespace), { concurrency: 4, discard: true })
              ),
        { concurrency: 8, discard: true }
      )
      return objects
    }).pipe(Effect.provide(layer({ source: { type: "file", path: kubeconfig } })))
  )

/** The flags of Node in the image of the server. */
const imageFlags = () =>
  /^ENTRYPOINT \["node", (.*)$/m
    .exec(readFileSync(join(import.meta.dirname, "../../../Containerfile"), "utf8"))?.[1]
    ?.match(/--[^"]+/g)
    ?.join(" ") ?? ""

/** The server as it is published. From its sources it needs twice the memory. */
const bundledServer = async () => {
  const folder = join(import.meta.dirname, `../../node_modules/.cache/many-namespaces-${process.pid}`)
  await build({ ...optionsOf("server", bundles.server), outdir: folder, logLevel: "error" })
  mkdirSync(folder, { recursive: true })
  const program = join(folder, "start.mjs")
  writeFileSync(
    program,
    `import { runServer } from "./index.js"
process.exitCode = await runServer({ organization: process.env.MAXCLOUD_TEST_ORGANIZATION })
`
  )
  return { program, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

const sumOf = (metrics: string, line: RegExp): number =>
  metrics
    .split("\n")
    .filter((one) => line.test(one))
    .reduce((sum, one) => sum + Number(one.split(" ").at(-1)), 0)

const resident = (pid: number, field: "VmRSS" | "VmHWM") =>
  Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024

/** A process's processor time, in seconds (proc(5): `utime` and `stime` in ticks of 10 ms). */
const cpuSecondsOf = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
  return (Number(fields[11]) + Number(fields[12])) / 100
}

const kindsWatched = [
  ...["namespaces", "pods", "events", "serviceaccounts", "resourcequotas", "limitranges", "networkpolicies"],
  ...["revisions", "routes"]
]
/** And Knative's Services, which are called like Kubernetes' own. */
const watches = kindsWatched.length + 1
const watched = new RegExp(
  `^apiserver_longrunning_requests\\{.*(?:resource="(?:${kindsWatched.join("|")})"|group="serving.knative.dev",resource="services").*verb="WATCH"`
)

/** Measures a server that follows this many namespaces of a real API server, each with one app. */
export const measureManyNamespaces = async (count: number, programs: string): Promise<ManyNamespaces> => {
  const scope = Effect.runSync(Scope.make())
  const cluster = await startControlPlane(programs)
  const postgres = await startPostgres()
  const { program, remove } = await bundledServer()
  const { path, wires } = await Effect.runPromise(
    Scope.extend(wiredClusterOf({ type: "file", path: cluster.kubeconfig }), scope)
  )
  const environment = {
    ...postgres.environment,
    MAXCLOUD_RUNTIME: "kubernetes",
    MAXCLOUD_KUBECONFIG: path,
    NODE_OPTIONS: imageFlags(),
    MAXCLOUD_DOMAIN: "example.com",
    MAXCLOUD_TEST_ORGANIZATION: "many"
  }
  const server = new ServerProcess(await freePort(), environment, program)
  const metrics = async () => (await cluster.call("GET", "/metrics")).text
  const watching = async () => sumOf(await metrics(), watched)
  const listed = async () => sumOf(await metrics(), /^apiserver_request_total\{.*resource="secrets".*verb="LIST"/)
  let connections = 0
  const secondsUntil = async (done: () => Promise<boolean>, since: number) => {
    while (!(await done())) {
      connections = Math.max(connections, wires.open)
      if (performance.now() - since > 15 * 60_000) throw new Error(`it took too long:\n${server.output}`)
      await sleep(100)
    }
    connections = Math.max(connections, wires.open)
    return (performance.now() - since) / 1000
  }
  try {
    // Creates the tables.
    await server.start()
    await server.end("SIGTERM")
    for (let index = 0; index * perOrganization < count; index++) {
      const { organization, organizationId } = organizationOf(index)
      await postgres.change(`insert into organizations (id, name) values ('${organizationId}', '${organization}')`)
    }
    const objects = await createAll(count, cluster.kubeconfig)
    const before = await watching()
    const begun = performance.now()
    const listedBefore = await listed()
    await server.start(false)
    const syncSeconds = await secondsUntil(async () => (await watching()) >= before + watches, begun)
    const syncCpuSeconds = cpuSecondsOf(server.pid)
    const sweepSeconds = await secondsUntil(async () => (await listed()) >= listedBefore + count, performance.now())
    const cutAt = performance.now()
    wires.cut()
    await secondsUntil(async () => (await watching()) < before + watches, cutAt)
    const reconnectSeconds = await secondsUntil(async () => (await watching()) >= before + watches, cutAt)
    return {
      objects,
      connections,
      syncSeconds,
      syncCpuSeconds,
      reconnectSeconds,
      sweepSeconds,
      residentBytes: resident(server.pid, "VmRSS"),
      mostResidentBytes: resident(server.pid, "VmHWM")
    }
  } finally {
    await server.end("SIGTERM")
    server.remove()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    remove()
    await postgres.close()
    await cluster.close()
  }
}
