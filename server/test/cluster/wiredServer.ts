import { randomBytes } from "node:crypto"
import { join } from "node:path"
import { AppName, OrganizationName, productionStage, StageName } from "@maxcloud/config-schema"
import { namespaceOf } from "@maxcloud/synth"
import { Effect, Exit, ManagedRuntime, Schema, Scope } from "effect"
import { defaultNamespacePrefix } from "../../src/base/words/namespacePrefix.ts"
import { KubeApi, type KubeRequest } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { type Kind, kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import { freePort } from "../freePort.ts"
import { wiredClusterOf } from "../kubeApi/testProxy.ts"
import { ServerProcess } from "../serverProcess.ts"
import { adminApi, serverKubeconfig } from "./serverKubeconfig.ts"

export const serverProgram = join(import.meta.dirname, "../contract/organizationServer.ts")

/** A cheap service: its image is on the cluster's nodes, and it has no instance unless requested. */
export const small = (name: string, env: Readonly<Record<string, string>> = {}) => ({
  name,
  image: process.env["MAXCLOUD_TEST_IMAGE"] ?? "dev.local/hello:1",
  cpu: "20m",
  memory: "64Mi",
  scale: { min: 0, max: 1, idle: "6s" },
  env
})

/** The cluster through the administrator's connection, for changes behind the server's back. */
export const openAdmin = () => {
  const runtime = ManagedRuntime.make(adminApi)
  const request = (asked: KubeRequest): Promise<unknown> =>
    runtime.runPromise(Effect.flatMap(KubeApi, (api) => api.request(asked)))
  return {
    request,
    get: (kind: Kind, namespace: string, name: string) =>
      request({ method: "GET", path: pathOf(kind, namespace, name) }),
    create: (kind: Kind, namespace: string, body: unknown) =>
      request({ method: "POST", path: pathOf(kind, namespace), query: { fieldManager: "helm" }, body }),
    /** A change by this manager, like those of `kubectl edit` and `kubectl patch`. */
    patch: (manager: string, kind: Kind, namespace: string, name: string, body: unknown) =>
      request({
        method: "PATCH",
        path: pathOf(kind, namespace, name),
        query: { fieldManager: manager },
        contentType: Array.isArray(body) ? "application/json-patch+json" : "application/merge-patch+json",
        body
      }),
    remove: (kind: Kind, namespace: string, name: string) =>
      request({ method: "DELETE", path: pathOf(kind, namespace, name) }),
    close: () => runtime.dispose()
  }
}
export type Admin = ReturnType<typeof openAdmin>

export const newOrganization = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex")}`

const Read = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    labels: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
  })
})
const read = Schema.decodeUnknownSync(Read)

export const labelsOf = (object: unknown) => read(object).metadata.labels
export const versionOf = (object: unknown) => read(object).metadata.resourceVersion

/** The namespace of an organization's app, in production or another stage. */
export const namespaceFor = (organization: string, app: string, stage: string = productionStage) =>
  namespaceOf({
    organization: OrganizationName.make(organization),
    app: AppName.make(app),
    stage: StageName.make(stage),
    namespacePrefix: defaultNamespacePrefix
  })

const NamedObjects = Schema.Struct({
  items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String }) }))
})

/** Removes all namespaces of an organization. */
export const removeNamespacesOf = async (admin: Pick<Admin, "request" | "remove">, organization: string) => {
  const query = { labelSelector: `maxcloud.dev/organization=${organization}` }
  const listed = await admin.request({ method: "GET", path: pathOf(kinds.namespace), query })
  const { items } = Schema.decodeUnknownSync(NamedObjects)(listed)
  await Promise.allSettled(items.map(({ metadata }) => admin.remove(kinds.namespace, "", metadata.name)))
}

/** The settings of a server process on the cluster. `organization`: the one it acts for. */
export const environmentOf = (organization: string, kubeconfig: string): Readonly<Record<string, string>> => ({
  MAXCLOUD_RUNTIME: "kubernetes",
  MAXCLOUD_KUBECONFIG: kubeconfig,
  MAXCLOUD_DOMAIN: process.env["MAXCLOUD_DOMAIN"] ?? "example.com",
  MAXCLOUD_TEST_ORGANIZATION: organization
})

/** A server process with the server's own rights, whose connection to the API server can be cut. */
export const startWiredServer = async (prefix: string, environment: NodeJS.ProcessEnv = {}) => {
  const scope = Effect.runSync(Scope.make())
  const source = { type: "file", path: await serverKubeconfig() } as const
  const { path, wires } = await Effect.runPromise(Scope.extend(wiredClusterOf(source), scope))
  const organization = newOrganization(prefix)
  const admin = openAdmin()
  const server = new ServerProcess(
    await freePort(),
    { ...environmentOf(organization, path), ...environment },
    serverProgram
  )
  await server.start()
  return {
    organization,
    admin,
    server,
    wires,
    kubeconfig: path,
    /** `namespaces`: additional ones to remove. */
    close: async (namespaces: ReadonlyArray<string> = []) => {
      wires.shut(false)
      await server.end("SIGTERM")
      server.remove()
      await removeNamespacesOf(admin, organization)
      await Promise.allSettled(namespaces.map((name) => admin.remove(kinds.namespace, "", name)))
      await admin.close()
      await Effect.runPromise(Scope.close(scope, Exit.void))
    }
  }
}
export type WiredServer = Awaited<ReturnType<typeof startWiredServer>>
