import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { promisify } from "node:util"
import { AppName, OrganizationName, parseAppSpec, productionStage, type SpecIssue } from "@maxcloud/config-schema"
import { type Manifest, namespaceOf, synth, synthNamespace, type TenantContext } from "@maxcloud/synth"
import { Data, Effect, Either, Schedule, Schema, type Scope } from "effect"
import { defaultNamespacePrefix } from "../../src/base/words/namespacePrefix.ts"
import { KubeApi, type KubeError } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { kindOf, kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { applyTest } from "../kubeApi/testCluster.ts"
import { buildNodeImage } from "../registry/scratchImage.ts"
import { startTestRegistry } from "../registry/testRegistry.ts"
import { type Probe, type ProbeResult, proberProgram } from "./proberProgram.ts"

const run = promisify(execFile)

/** The prefix of tenants' namespaces on the test cluster (`npm run test:cluster:prepare`). */
export const testPrefix = defaultNamespacePrefix

export class ProberError extends Data.TaggedError("ProberError")<{ readonly message: string }> {}

/** An image with Node, by digest, for the cluster to pull: `MAXCLOUD_TEST_NODE_IMAGE`, or one that is built here. */
export const nodeImage: Effect.Effect<string, never, Scope.Scope> = Effect.gen(function* () {
  const given = process.env["MAXCLOUD_TEST_NODE_IMAGE"]
  if (given !== undefined) return given
  const tag = "localhost/maxcloud-test-node:1"
  yield* Effect.promise(() => buildNodeImage(tag))
  const registry = yield* Effect.acquireRelease(
    Effect.promise(() => startTestRegistry()),
    (found) => Effect.promise(() => found[Symbol.asyncDispose]())
  )
  yield* Effect.promise(() => registry.push(tag, "node"))
  const answer = yield* Effect.promise(() =>
    fetch(`http://${registry.host}/v2/node/manifests/latest`, {
      method: "HEAD",
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" }
    })
  )
  return `${registry.host}/node@${answer.headers.get("docker-content-digest")}`
})

/** Two organizations with these names, created again at each call. */
export const newOrganization = (prefix: string) => OrganizationName.make(`${prefix}-${randomBytes(3).toString("hex")}`)

const specOf = (input: unknown) =>
  Either.getOrThrowWith(
    parseAppSpec(input),
    (issues: ReadonlyArray<SpecIssue>) => new Error(issues.map((issue) => issue.message).join("\n"))
  )

/** Services that all run the prober: their names, and the rest of their specs. */
export type ProberServices = Readonly<Record<string, object>>

const proberApp = AppName.make("probers")

/** The namespace of an organization's probers. */
export const proberNamespace = (organization: OrganizationName) =>
  namespaceOf({ organization, app: proberApp, stage: productionStage, namespacePrefix: testPrefix })

export const proberManifests = (
  organization: OrganizationName,
  image: string,
  services: ProberServices,
  changes: Partial<TenantContext> = {}
): ReadonlyArray<Manifest> => {
  const tenant: TenantContext = {
    organization,
    app: proberApp,
    stage: productionStage,
    namespacePrefix: testPrefix,
    domain: "example.com",
    scheme: "http",
    port: undefined,
    secretVersions: new Map(),
    podSecurity: "baseline",
    images: new Map(),
    runtimeClass: undefined,
    pausedServices: new Set(),
    pullSecret: false,
    ...changes
  }
  const spec = specOf({
    app: proberApp,
    services: Object.entries(services).map(([name, fields]) => ({
      name,
      image,
      command: ["/usr/bin/node"],
      args: ["-e", proberProgram],
      env: { PROBER: `${namespaceOf(tenant)}/${name}` },
      cpu: 0.5,
      memory: "128Mi",
      scale: { min: 1, max: 1 },
      ...fields
    }))
  })
  return [...synthNamespace(tenant), ...synth(spec, tenant)]
}

export const applyAll = (manifests: ReadonlyArray<Manifest>) =>
  Effect.forEach(
    manifests,
    (manifest) => {
      const kind = kindOf(manifest)
      if (kind === undefined) return Effect.die(new Error(`unknown kind ${manifest.kind}`))
      return applyTest(pathOf(kind, manifest.metadata.namespace, manifest.metadata.name), manifest)
    },
    { discard: true }
  )

/** Removes an organization's probers at the end of the scope. */
export const organizationScope = (organization: OrganizationName) =>
  Effect.acquireRelease(Effect.succeed(organization), () =>
    Effect.gen(function* () {
      const api = yield* KubeApi
      const path = pathOf(kinds.namespace, undefined, proberNamespace(organization))
      yield* Effect.ignore(api.request({ method: "DELETE", path }))
    })
  )

const ReadyService = Schema.Struct({
  metadata: Schema.Struct({ generation: Schema.Int }),
  status: Schema.Struct({
    observedGeneration: Schema.Int,
    url: Schema.optional(Schema.String),
    conditions: Schema.Array(
      Schema.Struct({ type: Schema.String, status: Schema.String, message: Schema.optional(Schema.String) })
    )
  })
})

/** Waits until the current version of the Knative Service is Ready; returns the host of its URL. */
export const readyHost = (namespace: string, name: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const object = yield* api.request({ method: "GET", path: pathOf(kinds.service, namespace, name) })
    const { metadata, status } = yield* Schema.decodeUnknown(ReadyService)(object)
    const ready = status.conditions.some((condition) => condition.type === "Ready" && condition.status === "True")
    if (status.observedGeneration !== metadata.generation || !ready || status.url === undefined) {
      const said = status.conditions
        .map((condition) => `${condition.type}=${condition.status} ${condition.message ?? ""}`)
        .join("; ")
      return yield* new ProberError({ message: `${namespace}/${name} is not ready: ${said}` })
    }
    return new URL(status.url).host
  }).pipe(Effect.retry(Schedule.spaced("300 millis").pipe(Schedule.upTo("3 minutes"))), Effect.orDie)

const ProbeResults = Schema.parseJson(
  Schema.Array(Schema.Struct({ text: Schema.String, connected: Schema.Boolean, error: Schema.String }))
)

/** One HTTP/1.1 request through the cluster's ingress, with any Host: status, and the whole answer. */
export const ingressRequest = (
  host: string,
  path: string,
  options: { readonly headers?: ReadonlyArray<string>; readonly body?: string } = {}
) =>
  Effect.tryPromise({
    try: async () => {
      const ingress = process.env["MAXCLOUD_TEST_INGRESS"] ?? "http://127.0.0.1:31080"
      const headers = [`Host: ${host}`, ...(options.headers ?? [])].flatMap((value) => ["-H", value])
      const body = options.body === undefined ? [] : ["--data-binary", options.body]
      const { stdout } = await run("curl", ["-sS", "-i", "-m", "60", ...headers, ...body, `${ingress}${path}`], {
        maxBuffer: 1 << 26
      })
      const [head = "", ...rest] = stdout.split("\r\n\r\n")
      return { status: Number(head.split(" ")[1]), head, body: rest.join("\r\n\r\n") }
    },
    catch: (error) => new ProberError({ message: String(error) })
  })

/** Lets a public prober run these from its pod. */
export const probesFrom = (host: string, probes: ReadonlyArray<Probe>): Effect.Effect<ReadonlyArray<ProbeResult>> =>
  ingressRequest(host, "/probes", { body: JSON.stringify(probes) }).pipe(
    Effect.flatMap(({ body }) => Schema.decodeUnknown(ProbeResults)(body)),
    Effect.orDie
  )

const PodList = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({
        name: Schema.String,
        labels: Schema.Record({ key: Schema.String, value: Schema.String }),
        deletionTimestamp: Schema.optional(Schema.String)
      }),
      status: Schema.Struct({ podIP: Schema.optionalWith(Schema.String, { default: () => "" }) })
    })
  )
})

/** Address of a pod, by its labels. */
export const podAddress = (
  namespace: string,
  labelSelector: string
): Effect.Effect<string, KubeError | ProberError, KubeApi> =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const list = yield* api.request({ method: "GET", path: pathOf(kinds.pod, namespace), query: { labelSelector } })
    const { items } = yield* Schema.decodeUnknown(PodList)(list).pipe(Effect.orDie)
    const found = items.find((item) => item.metadata.deletionTimestamp === undefined && item.status.podIP !== "")
    return found === undefined
      ? yield* new ProberError({ message: `no pod ${labelSelector} in ${namespace}` })
      : found.status.podIP
  })
