import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import {
  AppName,
  OrganizationName,
  parseAppSpec,
  type SecretName,
  ServiceName,
  StageName
} from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { type Manifest, namespaceOf, offlineTenant, refOf, synth, synthNamespace } from "@maxcloud/synth"
import { Effect, Either, Layer, ManagedRuntime, Option, Redacted, Schedule, Schema } from "effect"
import { openLink } from "../../src/base/proxy/makeFront.ts"
import type { Route } from "../../src/base/proxy/Route.ts"
import type { Instances } from "../../src/runtimes/local/instances/Instance.ts"
import { type LocalRuntimeOptions, layer } from "../../src/runtimes/local/LocalRuntime.ts"
import { LogStore } from "../../src/runtimes/local/logs/LogStore.ts"
import { type LocalObject, LocalObjects } from "../../src/runtimes/local/objects/LocalObjects.ts"
import { LocalRoutes } from "../../src/runtimes/port/LocalRoutes.ts"
import { type NamespaceKey, Runtime, type ServiceStatus } from "../../src/runtimes/port/Runtime.ts"
import { Secrets } from "../../src/stores/secrets/Secrets.ts"

/** In-memory objects: another test runtime with them finds them as after a restart. */
export const makeMemoryObjects = () => {
  const objects = new Map<string, LocalObject>()
  const keyOf = (object: Pick<LocalObject, "kind" | "name" | "namespace" | "organizationId">) =>
    `${object.organizationId}/${object.namespace}/${object.kind}/${object.name}`
  let writes = 0
  return {
    objects,
    writes: () => writes,
    layer: Layer.succeed(LocalObjects, {
      all: Effect.sync(() => structuredClone([...objects.values()])),
      put: (changed) =>
        Effect.sync(() => {
          writes++
          for (const object of changed) objects.set(keyOf(object), structuredClone(object))
        }),
      remove: (gone) =>
        Effect.sync(() => {
          writes++
          for (const object of gone) objects.delete(keyOf(object))
        })
    })
  }
}

export type MemoryObjects = ReturnType<typeof makeMemoryObjects>

/** Any secret has the value `<NAME>@<version>`. */
const secrets = Layer.succeed(Secrets, {
  set: () => Effect.dieMessage("unused"),
  list: () => Effect.dieMessage("unused"),
  page: () => Effect.dieMessage("unused"),
  unset: () => Effect.dieMessage("unused"),
  importAll: () => Effect.dieMessage("unused"),
  copy: () => Effect.dieMessage("unused"),
  versions: () => Effect.dieMessage("unused"),
  rollback: () => Effect.dieMessage("unused"),
  reveal: (_, name: SecretName, version) => Effect.succeed(Option.some(Redacted.make(`${name}@${version}`)))
})

const app = AppName.make("shop")

export const testKey = (organization = "local", stage = "production"): NamespaceKey => {
  const place = { organization: OrganizationName.make(organization), app, stage: StageName.make(stage) }
  const digit = organization === "local" ? "1" : "2"
  return {
    ...place,
    organizationId: Schema.decodeSync(OrganizationId)(`org_${digit.padStart(32, "0")}`),
    namespace: namespaceOf({ ...place, namespacePrefix: "" })
  }
}

/** The manifests of an app, as the server would synthesize them. */
export const manifestsOf = (
  services: ReadonlyArray<Readonly<Record<string, unknown>>>,
  key: NamespaceKey = testKey(),
  paused: ReadonlyArray<string> = []
): ReadonlyArray<Manifest> => {
  const spec = Either.getOrThrowWith(
    parseAppSpec({ app: "shop", services }),
    (found) => new Error(JSON.stringify(found))
  )
  const tenant = {
    ...offlineTenant(spec, key),
    pausedServices: new Set(paused.map((value) => ServiceName.make(value)))
  }
  return [...synthNamespace(tenant), ...synth(spec, tenant)]
}

/** Changes an annotation of a Knative Service's template to values that no AppSpec produces. */
export const withAnnotation = (manifests: ReadonlyArray<Manifest>, name: string, value: string) =>
  manifests.map((manifest): Manifest => {
    if (manifest.kind !== "Service") return manifest
    const copy = JSON.parse(JSON.stringify(manifest))
    copy.spec.template.metadata.annotations[name] = value
    return copy
  })

/** The local runtime on these instances, with real logs in its own folder, and everything else in memory. */
export const makeTestRuntime = (
  instances: Layer.Layer<Instances, unknown>,
  objects: MemoryObjects = makeMemoryObjects(),
  options: Partial<LocalRuntimeOptions> = {}
) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-logs-"))
  const runtime = ManagedRuntime.make(
    layer({
      domain: "localhost",
      scheme: "http",
      port: 8080,
      inPlace: true,
      openLink,
      settle: { leastMs: 0, mostMs: 0 },
      ...options
    }).pipe(
      Layer.provide(Layer.mergeAll(instances, objects.layer, secrets, LogStore.layer({ directory: folder }))),
      Layer.orDie
    )
  )
  const nameOf = (service: string, key: NamespaceKey) => ({ ...key, service: ServiceName.make(service) })
  const status = (service: string, key = testKey()) =>
    runtime.runPromise(
      Effect.flatMap(Runtime, (runtime) => runtime.status(nameOf(service, key))).pipe(Effect.map(Option.getOrUndefined))
    )

  return {
    run: runtime.runPromise,
    objects,
    /** Applies like a deployment, or like a repair of others' changes. */
    apply: (manifests: ReadonlyArray<Manifest>, key = testKey(), by: "deployment" | "recheck" = "deployment") => {
      const retry = new Set(by === "deployment" ? manifests.map((manifest) => manifest.metadata.name) : [])
      return runtime.runPromise(
        Effect.flatMap(Runtime, (runtime) => runtime.apply(key, manifests, { force: false, retry }))
      )
    },
    abandon: (service: string, key = testKey()) =>
      runtime.runPromise(Effect.flatMap(Runtime, (runtime) => runtime.abandon(key, [ServiceName.make(service)]))),
    /** Waits until its instances have ended. */
    remove: (manifests: ReadonlyArray<Manifest>, key = testKey()) =>
      runtime.runPromise(
        Effect.flatMap(Runtime, (runtime) => runtime.remove(key, manifests.map(refOf))).pipe(
          Effect.retry({ while: (error) => error.away === true, schedule: Schedule.spaced("10 millis") })
        )
      ),
    /** One attempt. */
    beginRemoval: (manifests: ReadonlyArray<Manifest>, key = testKey()) =>
      runtime.runPromise(
        Effect.flatMap(Runtime, (runtime) => Effect.either(runtime.remove(key, manifests.map(refOf))))
      ),
    status,
    revisions: (service: string, key = testKey()) =>
      runtime.runPromise(Effect.flatMap(Runtime, (runtime) => runtime.revisions(nameOf(service, key)))),
    /** Polls, because a change may happen before anyone can listen for it. */
    until: async (
      service: string,
      reached: (status: ServiceStatus) => boolean,
      key = testKey(),
      withinMs = 10_000
    ): Promise<ServiceStatus> => {
      const end = Date.now() + withinMs
      for (;;) {
        const now = await status(service, key)
        if (now !== undefined && reached(now)) return now
        if (Date.now() > end) throw new Error(`not reached within ${withinMs} ms: ${JSON.stringify(now)}`)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    },
    route: (host: string) =>
      runtime.runPromise(
        Effect.map(LocalRoutes, ({ lookup }): Route => {
          const route = lookup(host)
          if (route === undefined) throw new Error(`no route for ${host}`)
          return route
        })
      ),
    lookup: (host: string) => runtime.runPromise(Effect.map(LocalRoutes, (localRoutes) => localRoutes.lookup(host))),
    stop: async () => {
      await runtime.dispose()
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Sends a request like the proxy, and again if the instance dropped it before answering. */
export const send = async (route: Route, signal: AbortSignal = new AbortController().signal): Promise<string> => {
  for (let i = 0; ; i++) {
    const lease = await route.acquire(signal)
    try {
      return await get(lease.host, lease.port)
    } catch (error) {
      lease.failed()
      if (i === 50) throw error
    } finally {
      lease.release()
    }
  }
}

const get = (host: string, port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request({ host, port, path: "/", agent: false }, (response) => {
      const chunks: Array<Buffer> = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("end", () => resolve(Buffer.concat(chunks).toString()))
      response.on("error", reject)
    })
    sent.on("error", reject)
    sent.end()
  })
