import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { KubeApi, type KubeRequest } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { adminApi, serverKubeconfig } from "../cluster/serverKubeconfig.ts"
import { namespaceFor } from "../cluster/wiredServer.ts"
import { freePort } from "../freePort.ts"
import { buildGoProgram } from "../images/goProgram.ts"
import { pushImage } from "../images/pushImage.ts"
import { startTestRegistry } from "../registry/testRegistry.ts"
import { ServerProcess } from "../serverProcess.ts"
import type { Harness } from "./Harness.ts"

/** The address of the cluster's ingress from here. */
export const ingress = new URL(process.env.MAXCLOUD_TEST_INGRESS ?? "http://127.0.0.1:31080")

/** Sends requests to the API server as the administrator of KUBECONFIG. */
export const asAdmin = (request: KubeRequest): Promise<unknown> =>
  Effect.flatMap(KubeApi, (api) => api.request(request)).pipe(Effect.provide(adminApi), Effect.runPromise)

const Domains = Schema.Struct({ data: Schema.Record({ key: Schema.String, value: Schema.String }) })

/** Knative's default domain for services: the key without a selector (ConfigMap `config-domain`). */
const clusterDomain = async () => {
  const path = "/api/v1/namespaces/knative-serving/configmaps/config-domain"
  const { data } = Schema.decodeUnknownSync(Domains)(await asAdmin({ method: "GET", path }))
  return Object.entries(data).find(([key, value]) => key !== "_example" && value.trim() === "")?.[0] ?? "example.com"
}

const Listed = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String, deletionTimestamp: Schema.optional(Schema.String) })
    })
  )
})

export interface ClusterHarness extends Harness {
  readonly organization: string
  /** Reference of the workload, by tag. */
  readonly image: string
}

const made = ["service", "revision", "route", "secret", "serviceAccount", "networkPolicy", "pod"] as const

/** The workload as an image in a registry on this machine, on the cluster of KUBECONFIG, with the server's own rights. */
export const startClusterHarness = async (
  prefix: string,
  environment: Readonly<Record<string, string>> = {}
): Promise<ClusterHarness> => {
  const organization = `${prefix}-${randomBytes(3).toString("hex")}`
  const [program, registry, kubeconfig, domain, port] = await Promise.all([
    buildGoProgram("workload"),
    startTestRegistry(),
    serverKubeconfig(),
    clusterDomain(),
    freePort()
  ])
  const { reference } = await pushImage(
    { files: [{ path: "/workload", content: program }], entrypoint: ["/workload"], user: "1000" },
    { host: registry.host, name: "workload", tag: "1" }
  )
  const server = new ServerProcess(
    port,
    {
      MAXCLOUD_RUNTIME: "kubernetes",
      MAXCLOUD_KUBECONFIG: kubeconfig,
      MAXCLOUD_DOMAIN: domain,
      MAXCLOUD_PUBLIC_PORT: ingress.port,
      MAXCLOUD_INSECURE_REGISTRIES: registry.host,
      MAXCLOUD_TEST_ORGANIZATION: organization,
      ...environment
    },
    join(import.meta.dirname, "organizationServer.ts")
  )
  await server.start()
  return {
    organization,
    image: reference,
    server,
    workload: { image: reference },
    looksUpImages: true,
    missingImage: `${registry.host}/nobody-has-this:1`,
    ingress,
    servesAlone: true,
    leftovers: async (app) => {
      const found = await Promise.all(
        made.map(async (kind) => {
          const query = { labelSelector: `maxcloud.dev/app=${app},maxcloud.dev/service` }
          const path = pathOf(kinds[kind], namespaceFor(organization, app))
          const { items } = Schema.decodeUnknownSync(Listed)(await asAdmin({ method: "GET", path, query }))
          // A terminating pod drains for half a minute.
          return items
            .filter((item) => item.metadata.deletionTimestamp === undefined)
            .map((item) => `${kind} ${item.metadata.name}`)
        })
      )
      return found.flat()
    },
    close: async () => {
      await server.end("SIGTERM")
      const query = { labelSelector: `maxcloud.dev/organization=${organization}` }
      const { items } = Schema.decodeUnknownSync(Listed)(
        await asAdmin({ method: "GET", path: pathOf(kinds.namespace), query })
      )
      await Promise.allSettled(
        items.map(({ metadata }) =>
          asAdmin({ method: "DELETE", path: pathOf(kinds.namespace, undefined, metadata.name) })
        )
      )
      await registry[Symbol.asyncDispose]()
      server.remove()
    }
  }
}
