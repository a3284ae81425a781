import { randomBytes } from "node:crypto"
import { expect, layer } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { Deferred, Effect, Layer, Schedule, Stream } from "effect"
import { applyTest, describeCluster, layerTest, temporaryNamespace } from "../../../../test/kubeApi/testCluster.ts"
import { wiredCluster } from "../../../../test/kubeApi/testProxy.ts"
import { layer as kubeApiLayer } from "../../kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { type CacheChange, ClusterCache } from "./ClusterCache.ts"
import { layer as cacheLayer, layerWith } from "./WatchedCache.ts"

const labelsOf = (service: string) => ({ "app.kubernetes.io/managed-by": "maxcloud", "maxcloud.dev/service": service })

const knativeService = (name: string, image: string) => ({
  apiVersion: "serving.knative.dev/v1",
  kind: "Service",
  metadata: { name, labels: labelsOf(name) },
  spec: { template: { metadata: { labels: labelsOf(name) }, spec: { containers: [{ image }] } } }
})

const policy = (name: string, labels: Readonly<Record<string, string>>) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name, labels },
  spec: { podSelector: {}, policyTypes: ["Ingress"] }
})

/** All changes from now on, and an effect that waits for one of them. */
const listening = Effect.gen(function* () {
  const cache = yield* ClusterCache
  const told: Array<CacheChange> = []
  const waiting = new Set<() => void>()
  const subscribed = yield* Deferred.make<void>()
  yield* cache.changes.pipe(
    Stream.onStart(Deferred.succeed(subscribed, undefined)),
    Stream.runForEach((change) =>
      Effect.sync(() => {
        told.push(change)
        for (const check of waiting) check()
      })
    ),
    Effect.forkScoped
  )
  yield* Deferred.await(subscribed)
  yield* Effect.yieldNow()
  const until = (wanted: () => boolean) =>
    Effect.async<void>((resume) => {
      const check = () => {
        if (!wanted()) return
        waiting.delete(check)
        resume(Effect.void)
      }
      waiting.add(check)
      check()
    })
  return { told, until }
})

describeCluster("the cluster's objects in memory", () => {
  layer(Layer.provideMerge(cacheLayer, layerTest), { excludeTestServices: true })((it) => {
    it.scoped("are found by the service that created them: revisions, pods, warnings", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const cache = yield* ClusterCache
        yield* cache.synced
        const { told, until } = yield* listening
        const namespace = yield* temporaryNamespace("cluster")
        yield* applyTest(pathOf(kinds.service, namespace, "hello"), knativeService("hello", "dev.local/hello:1"))
        yield* until(() => cache.service(namespace, "hello")?.status.latestReadyRevisionName === "hello-00001")
        expect(cache.revisionsOf(namespace, "hello").map((object) => object.metadata.name)).toEqual(["hello-00001"])
        const [pod] = cache.podsOf(namespace, "hello")
        expect(pod?.status.containerStatuses.map((containerStatus) => containerStatus.name).sort()).toEqual([
          "queue-proxy",
          "user-container"
        ])
        expect(cache.namespace(namespace)?.labels["maxcloud.dev/organization"]).toBe(namespace)
        const managers = cache
          .metadataOf("service", namespace, "hello")
          ?.managedFields.map((managedField) => managedField.manager)
        expect(managers).toContain("maxcloud")

        // As the kubelet does for our pods: Knative's own events come late.
        const involvedObject = { kind: "Pod", namespace, name: pod?.metadata.name ?? "" }
        const event = {
          apiVersion: "v1",
          kind: "Event",
          type: "Warning",
          reason: "BackOff",
          message: "pulling",
          involvedObject
        }
        yield* api.request({
          method: "POST",
          path: pathOf(kinds.event, namespace),
          body: { ...event, metadata: { name: "pulling" }, lastTimestamp: new Date().toISOString() }
        })
        yield* until(() => cache.eventsOf(namespace, involvedObject).length > 0)
        const hello = ServiceName.make("hello")
        yield* until(() => told.some((object) => object.kind === "event" && object.service === hello))
        expect(told.some((object) => object.kind === "route" && object.service === hello)).toBe(true)

        yield* api.request({ method: "DELETE", path: pathOf(kinds.service, namespace, "hello") })
        yield* until(() =>
          told.some((object) => object.kind === "service" && object.name === "hello" && object.deleted)
        )
        expect(cache.service(namespace, "hello")).toBeUndefined()
      })
    )

    it.scoped("are only ours: foreign ones and those that lose our label are left out", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const cache = yield* ClusterCache
        yield* cache.synced
        const { told, until } = yield* listening
        const namespace = yield* temporaryNamespace("cluster")
        const apply = (name: string, labels: Readonly<Record<string, string>>) =>
          applyTest(pathOf(kinds.networkPolicy, namespace, name), policy(name, labels))
        yield* apply("others", {})
        yield* apply("ours", labelsOf("a"))
        const secret = pathOf(kinds.secret, namespace, "s")
        yield* applyTest(secret, {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: "s", labels: labelsOf("a") },
          stringData: { password: "hunter2" }
        })
        yield* until(() => cache.metadataOf("networkPolicy", namespace, "ours") !== undefined)
        yield* until(() => cache.namespace(namespace) !== undefined)
        yield* cache.refresh(namespace)
        expect(cache.metadataOf("secret", namespace, "s")).toBeDefined()
        expect(cache.metadataOf("networkPolicy", namespace, "others")).toBeUndefined()
        yield* apply("ours", {})
        yield* until(() => told.some((object) => object.kind === "networkPolicy" && object.deleted))
        yield* api.request({ method: "DELETE", path: pathOf(kinds.namespace, undefined, namespace) })
        yield* until(() =>
          told.some((object) => object.kind === "namespace" && object.name === namespace && object.deleted)
        )
        expect(cache.metadataOf("secret", namespace, "s")).toBeUndefined()
        expect(told.some((object) => object.kind === "secret" && object.name === "s" && object.deleted)).toBe(true)
      })
    )

    it.scoped("take no more connections with 50 namespaces than with none, and their Secrets are checked", () =>
      Effect.gen(function* () {
        const admin = yield* KubeApi
        const { path, wires } = yield* wiredCluster
        const secretOf = (namespace: string) => pathOf(kinds.secret, namespace, "key")
        const secretIn = (namespace: string, value: string) =>
          applyTest(secretOf(namespace), {
            apiVersion: "v1",
            kind: "Secret",
            metadata: { name: "key", labels: labelsOf("a") },
            stringData: { value }
          }).pipe(Effect.provideService(KubeApi, admin))
        const organizationId = `org_${randomBytes(8).toString("hex")}`
        const own = { everyMillis: 100, perMinute: 60_000, owns: (id: string) => id === organizationId }
        yield* Effect.gen(function* () {
          const cache = yield* ClusterCache
          yield* cache.synced
          const { told, until } = yield* listening
          const make = Effect.gen(function* () {
            const namespace = yield* temporaryNamespace("cluster", { "maxcloud.dev/organization-id": organizationId })
            yield* secretIn(namespace, "a")
            return namespace
          }).pipe(Effect.provideService(KubeApi, admin))
          const swept = (namespace: string) => cache.metadataOf("secret", namespace, "key") !== undefined
          const first = yield* make
          yield* until(() => swept(first))
          const before = wires.open
          const namespaces = yield* Effect.forEach(Array.from({ length: 49 }), () => make, { concurrency: 8 })
          yield* until(() => namespaces.every(swept))
          const [changed = "", deleted = ""] = namespaces
          yield* secretIn(changed, "b")
          yield* admin.request({ method: "DELETE", path: secretOf(deleted) })
          const secrets = () => told.filter(({ kind }) => kind === "secret")
          yield* until(() => secrets().some((change) => change.namespace === deleted && change.deleted))
          yield* until(() => secrets().filter((change) => change.namespace === changed).length >= 2)
          // A few more may carry requests, but none a watch.
          expect(wires.open).toBeLessThanOrEqual(before + 3)
          expect(wires.open).toBeLessThan(30)
        }).pipe(
          Effect.provide(Layer.provide(layerWith({ sweep: own }), kubeApiLayer({ source: { type: "file", path } })))
        )
      })
    )

    it.scoped("match the cluster after random disconnects", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const namespace = yield* temporaryNamespace("cluster")
        const { path, wires } = yield* wiredCluster
        const names = Array.from({ length: 60 }, (_, index) => `p-${index}`)
        yield* Effect.gen(function* () {
          const cache = yield* ClusterCache
          yield* cache.synced
          const { told, until } = yield* listening
          const cutting = yield* Effect.sync(() => wires.cut()).pipe(
            Effect.repeat(Schedule.jittered(Schedule.spaced("120 millis"))),
            Effect.fork
          )
          yield* Effect.forEach(
            names,
            (name, index) =>
              Effect.gen(function* () {
                const at = pathOf(kinds.networkPolicy, namespace, name)
                yield* applyTest(at, policy(name, labelsOf("a")))
                yield* Effect.sleep("20 millis")
                if (index % 3 === 0) yield* api.request({ method: "DELETE", path: at })
                else yield* applyTest(at, policy(name, labelsOf("b")))
              }).pipe(Effect.provideService(KubeApi, api)),
            { concurrency: 4 }
          )
          yield* cutting.interruptAsFork(cutting.id())
          yield* applyTest(pathOf(kinds.networkPolicy, namespace, "last"), policy("last", labelsOf("b"))).pipe(
            Effect.provideService(KubeApi, api)
          )
          yield* until(() => cache.metadataOf("networkPolicy", namespace, "last") !== undefined)
          const kept = names.filter((name) => cache.metadataOf("networkPolicy", namespace, name) !== undefined)
          expect(kept).toEqual(names.filter((_, index) => index % 3 !== 0))
          expect(
            kept.every(
              (name) => cache.metadataOf("networkPolicy", namespace, name)?.labels["maxcloud.dev/service"] === "b"
            )
          ).toBe(true)
          const lastTold = new Map(
            told
              .filter((object) => object.kind === "networkPolicy" && object.namespace === namespace)
              .map((each) => [each.name, each.deleted])
          )
          expect(names.map((name) => lastTold.get(name))).toEqual(names.map((_, index) => index % 3 === 0))
          expect(wires.accepted).toBeGreaterThan(20)
        }).pipe(Effect.provide(Layer.provide(cacheLayer, kubeApiLayer({ source: { type: "file", path } }))))
      })
    )
  })
})
