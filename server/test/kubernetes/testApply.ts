import { randomBytes } from "node:crypto"
import { AppName, OrganizationName, parseAppSpec, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { type Manifest, namespaceOf, offlineTenant, synth, synthNamespace } from "@maxcloud/synth"
import { Effect, Either, Layer, Option, Redacted } from "effect"
import { KubeApi, type KubeRequest } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { type Kind, kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"
import type { Requests } from "../../src/runtimes/kubernetes/apply/binding.ts"
import { makeApply } from "../../src/runtimes/kubernetes/apply/makeApply.ts"
import { ClusterCache } from "../../src/runtimes/kubernetes/cache/ClusterCache.ts"
import * as Cache from "../../src/runtimes/kubernetes/cache/WatchedCache.ts"
import type { NamespaceKey } from "../../src/runtimes/port/Runtime.ts"
import { Secrets } from "../../src/stores/secrets/Secrets.ts"
import { layerTest } from "../kubeApi/testCluster.ts"

/** The sweep notices within a second, and leaves the namespaces of other tests alone. */
export const clusterTest = Layer.provideMerge(
  Cache.layerWith({ sweep: { everyMillis: 500, perMinute: 6_000, owns: (id) => ours.has(id) } }),
  layerTest
)

export const stage = StageName.make("production")
export const app = AppName.make("shop")

/** Secret values by name and version: the name determines the value. */
const secrets = Secrets.of({
  set: () => Effect.die("unused"),
  list: () => Effect.die("unused"),
  page: () => Effect.die("unused"),
  unset: () => Effect.die("unused"),
  importAll: () => Effect.die("unused"),
  copy: () => Effect.die("unused"),
  versions: () => Effect.die("unused"),
  rollback: () => Effect.die("unused"),
  reveal: (_, name, version) => Effect.succeed(Option.some(Redacted.make(`value of ${name} ${version}`)))
})

/** Organizations of this process. */
const ours = new Set<string>()

export const newKey = (prefix: string): NamespaceKey => {
  const organization = OrganizationName.make(`${prefix}-${randomBytes(4).toString("hex")}`)
  const organizationId = OrganizationId.make(`org_${randomBytes(16).toString("hex")}`)
  ours.add(organizationId)
  return {
    organizationId,
    organization,
    app,
    stage,
    namespace: namespaceOf({ organization, app, stage, namespacePrefix: "" })
  }
}

export const specOf = (services: ReadonlyArray<Record<string, unknown>>) =>
  Either.getOrThrowWith(
    parseAppSpec({ app, services: services.map((service) => ({ image: "dev.local/hello:1", ...service })) }),
    (issues) => new Error(issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"))
  )

export const manifestsOf = (key: NamespaceKey, services: ReadonlyArray<Record<string, unknown>>) => {
  const spec = specOf(services)
  const tenant = offlineTenant(spec, key)
  return { spec, namespace: synthNamespace(tenant), own: synth(spec, tenant) }
}

export const serviceName = (name: string) => ServiceName.make(name)

/** The applier, with the requests that it has made. */
export const makeApplyTest = Effect.fn("makeApplyTest")(function* (scratchNamespace?: string) {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  yield* cache.synced
  const asked: Array<KubeRequest> = []
  const counted: Requests = {
    server: api.server,
    unreachableSince: api.unreachableSince,
    awayMillis: api.awayMillis,
    request: (request) => {
      asked.push(request)
      return api.request(request)
    }
  }
  const parts = yield* makeApply({
    api: counted,
    cache,
    secrets,
    ...(scratchNamespace === undefined ? {} : { scratchNamespace })
  })
  return { ...parts, asked }
})

export const pathIn = (key: NamespaceKey, kind: Kind, name?: string) => pathOf(kind, key.namespace, name)

export const get = (path: string) => Effect.flatMap(KubeApi, (api) => api.request({ method: "GET", path }))

/** A change by somebody else. */
export const patchAs = (manager: string, path: string, body: unknown, contentType = "application/merge-patch+json") =>
  Effect.flatMap(KubeApi, (api) =>
    api.request({ method: "PATCH", path, query: { fieldManager: manager }, body, contentType })
  )

export const post = (path: string, body: unknown) =>
  Effect.flatMap(KubeApi, (api) => api.request({ method: "POST", path, query: { fieldManager: "helm" }, body }))

export const remove = (path: string) => Effect.flatMap(KubeApi, (api) => api.request({ method: "DELETE", path }))

export const removeNamespace = ({ namespace }: NamespaceKey) =>
  Effect.ignore(remove(pathOf(kinds.namespace, undefined, namespace)))

export const named = (manifests: ReadonlyArray<Manifest>, kind: string, name: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name)
  if (found === undefined) throw new Error(`${kind} ${name} not found`)
  return found
}

/** Waits until the cache has a test's change. */
export const untilCached = (condition: (cache: ClusterCache["Type"]) => boolean) =>
  Effect.gen(function* () {
    const cache = yield* ClusterCache
    for (let tries = 0; !condition(cache); tries++) {
      if (tries > 200) return yield* Effect.die(new Error("the cache doesn't contain it"))
      yield* Effect.sleep(25)
    }
  })
