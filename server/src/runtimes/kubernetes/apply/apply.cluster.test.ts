import { expect, layer } from "@effect/vitest"
import { AppName } from "@maxcloud/config-schema"
import { Effect, Layer, Schema } from "effect"
import { describeCluster, layerTest } from "../../../../test/kubeApi/testCluster.ts"
import {
  clusterTest,
  get,
  makeApplyTest,
  manifestsOf,
  named,
  newKey,
  patchAs,
  pathIn,
  post,
  remove,
  removeNamespace,
  untilCached
} from "../../../../test/kubernetes/testApply.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { MetadataObject } from "../cache/objects.ts"
import { layerWith } from "../cache/WatchedCache.ts"

const decode = Schema.decodeUnknownSync(MetadataObject)
const metadataOf = (path: string) => Effect.map(get(path), (found) => decode(found).metadata)

const asIs = { force: false }
const forced = { force: true }

/** A separate organization. Its namespace is deleted with the test. */
const organization = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => newKey(prefix)),
    removeNamespace
  )

/** A cache whose sweep notices nothing during a test. */
const unswept = Layer.provide(layerWith({ sweep: { everyMillis: 3_600_000, perMinute: 1 } }), layerTest)

const secret = { name: "api", env: { KEY: { secret: "key" } } }

describeCluster("apply (KUBECONFIG)", () => {
  layer(clusterTest, { excludeTestServices: true })((it) => {
    it.scoped("applies in order, inserts secret values, and sends nothing if nothing has changed", () =>
      Effect.gen(function* () {
        const key = yield* organization("apply-apply")
        const { apply, asked, missing, remove: removeAll } = yield* makeApplyTest()
        const { namespace, own } = manifestsOf(key, [secret, { name: "web" }])
        yield* apply(key, namespace, asIs)
        yield* apply(key, own, asIs)
        const order = asked.filter((each) => each.method === "PATCH").map((issue) => issue.path.split("/").at(-2) ?? "")
        const first = (plural: string) => order.indexOf(plural)
        const last = (plural: string) => order.lastIndexOf(plural)
        expect(order[0]).toBe("namespaces")
        expect(order[1]).toBe("rolebindings")
        const policies = last("networkpolicies")
        expect(first("services")).toBeGreaterThan(Math.max(policies, last("secrets"), last("serviceaccounts")))
        expect(first("secrets")).toBeGreaterThan(policies)

        const written = own.find((object) => object.kind === "Secret")?.metadata.name ?? ""
        const value = yield* get(pathIn(key, kinds.secret, written))
        expect(value).toMatchObject({ data: { key: Buffer.from("value of key 1").toString("base64") } })
        expect((yield* metadataOf(pathOf(kinds.namespace, undefined, key.namespace))).labels).toMatchObject({
          "maxcloud.dev/organization-id": key.organizationId
        })

        yield* untilCached((one) => one.service(key.namespace, "web") !== undefined)
        yield* untilCached((one) => one.metadataOf("secret", key.namespace, written) !== undefined)
        const before = asked.length
        yield* apply(key, [...namespace, ...own], asIs)
        expect(asked.slice(before)).toEqual([])

        // The changed object, and only that one.
        const changed = manifestsOf(key, [secret, { name: "web", env: { A: "b" } }]).own
        yield* apply(key, changed, asIs)
        expect(asked.slice(before).map((issue) => issue.path)).toEqual([pathIn(key, kinds.service, "web")])

        const refs = own.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, name: metadata.name }))
        expect(yield* missing(key, refs)).toEqual([])
        yield* removeAll(key, refs)
        const left = yield* get(pathIn(key, kinds.networkPolicy))
        expect(left).toMatchObject({ items: [{ metadata: { name: "maxcloud--default" } }] })
        expect(yield* get(pathIn(key, kinds.revision))).toMatchObject({ items: [] })
      })
    )

    it.scoped("makes no request for 100 unchanged objects", () =>
      Effect.gen(function* () {
        const key = yield* organization("apply-many")
        const { apply, asked } = yield* makeApplyTest()
        const services = Array.from({ length: 34 }, (_, index) => ({
          name: `s${index}`,
          env: { KEY: { secret: "key" } }
        }))
        const { namespace, own } = manifestsOf(key, services)
        // Their pods would take the cluster's time without testing anything more.
        const objects = own.filter((object) => object.kind !== "Service")
        expect(objects.length).toBeGreaterThanOrEqual(100)
        yield* apply(key, [...namespace, ...objects], asIs)
        yield* untilCached((cache) =>
          objects.every(({ kind, metadata: { name } }) => {
            const of = kind === "Secret" ? "secret" : kind === "ServiceAccount" ? "serviceAccount" : "networkPolicy"
            return cache.metadataOf(of, key.namespace, name) !== undefined
          })
        )
        // One list for each kind shows foreign objects, without a look-up for each object.
        expect(asked.filter((each) => each.method === "GET").length).toBeLessThan(10)
        const before = asked.length
        yield* apply(key, [...namespace, ...objects], asIs)
        expect(asked.slice(before)).toEqual([])
      })
    )

    it.scoped("names field and manager for fields held by others, unless forced", () =>
      Effect.gen(function* () {
        const key = yield* organization("apply-conflict")
        const { apply } = yield* makeApplyTest()
        const { namespace, own } = manifestsOf(key, [{ name: "web" }])
        yield* apply(key, [...namespace, ...own], asIs)
        const path = pathIn(key, kinds.networkPolicy, "web")
        yield* patchAs("kubectl-edit", path, { spec: { egress: [{}] } })
        const { apply: another } = yield* makeApplyTest()
        const refused = yield* Effect.flip(another(key, own, asIs))
        expect(refused).toMatchObject({ reason: "refused", diagnosis: { code: "FieldConflict" } })
        expect(refused.message).toContain(`NetworkPolicy "${key.namespace}/web": spec.egress is held by "kubectl-edit"`)
        yield* another(key, own, forced)
        expect(yield* get(path)).toMatchObject({ spec: named(own, "NetworkPolicy", "web")["spec"] })
      })
    )

    it.scoped("restores a changed Secret with any apply, before the sweep has noticed the change", () =>
      Effect.gen(function* () {
        const key = yield* organization("apply-secret")
        const { apply, missing } = yield* makeApplyTest()
        const { namespace, own } = manifestsOf(key, [secret])
        yield* apply(key, [...namespace, ...own], asIs)
        const { apiVersion, kind, metadata } = named(
          own,
          "Secret",
          own.find((object) => object.kind === "Secret")?.metadata.name ?? ""
        )
        const path = pathIn(key, kinds.secret, metadata.name)
        const value = { data: { key: Buffer.from("value of key 1").toString("base64") } }
        const changed = { data: { key: Buffer.from("another value").toString("base64"), more: "" } }
        yield* patchAs("kubectl-edit", path, changed)
        yield* apply(key, own, asIs)
        const restored = yield* get(path)
        expect(restored).toMatchObject(value)
        expect(restored).not.toHaveProperty("data.more")
        const ref = { apiVersion, kind, name: metadata.name }
        expect(yield* missing(key, [ref])).toEqual([])
        yield* remove(path)
        expect(yield* missing(key, [ref])).toEqual([ref])
        yield* apply(key, own, asIs)
        expect(yield* get(path)).toMatchObject(value)
      }).pipe(Effect.provide(unswept))
    )

    it.scoped("leaves objects of others alone: a service, another app's objects, a namespace", () =>
      Effect.gen(function* () {
        const key = yield* organization("apply-foreign")
        const { apply, dryRun, remove: removeAll } = yield* makeApplyTest()
        const { namespace, own, spec } = manifestsOf(key, [{ name: "web" }])
        yield* apply(key, namespace, asIs)
        const template = { spec: { containers: [{ image: "dev.local/hello:1" }] } }
        const metadata = { name: "web", labels: { "app.kubernetes.io/managed-by": "Helm" } }
        const service = { apiVersion: "serving.knative.dev/v1", kind: "Service", metadata, spec: { template } }
        yield* post(pathIn(key, kinds.service), service)
        const path = pathIn(key, kinds.service, "web")
        const { generation, uid } = yield* metadataOf(path)
        for (const options of [asIs, forced]) {
          const taken = yield* Effect.flip(apply(key, own, options))
          expect(taken).toMatchObject({ reason: "refused", diagnosis: { code: "NameTaken" } })
          expect(taken.message).toContain('"helm"')
          expect(taken.message).toContain("app.kubernetes.io/managed-by=Helm")
        }
        expect(yield* dryRun(key, spec, own)).toEqual([
          { path: ["services", 0], message: expect.stringMatching(/^NameTaken: Service .*Helm/) }
        ])
        yield* removeAll(key, [{ apiVersion: service.apiVersion, kind: "Service", name: "web" }])
        expect(yield* metadataOf(path)).toMatchObject({ generation, uid })
        yield* remove(path)
        yield* apply(key, own, asIs)

        const others = own.map((object) => ({
          ...object,
          metadata: { ...object.metadata, labels: { ...object.metadata.labels, "maxcloud.dev/app": "blog" } }
        }))
        const blog = yield* Effect.flip(apply({ ...key, app: AppName.make("blog") }, others, forced))
        expect(blog).toMatchObject({ reason: "refused", diagnosis: { code: "NameTaken" } })
        expect(blog.message).toContain("maxcloud.dev/app=shop")

        const stranger = { ...key, organizationId: newKey("apply-x").organizationId }
        const theirs = yield* Effect.flip(apply(stranger, [...namespace, ...own], forced))
        expect(theirs).toMatchObject({ reason: "refused", diagnosis: { code: "NameTaken" } })
        expect(theirs.message).toContain(`maxcloud.dev/organization-id=${key.organizationId}`)
        const kept = yield* metadataOf(path)
        yield* removeAll(stranger, [{ apiVersion: service.apiVersion, kind: "Service", name: "web" }])
        expect((yield* metadataOf(path)).uid).toBe(kept.uid)
      })
    )

    it.scoped("doesn't take over a foreign namespace, and waits for one that is being deleted", () =>
      Effect.gen(function* () {
        const foreign = yield* organization("apply-ns")
        const { apply, dryRun } = yield* makeApplyTest()
        yield* post("/api/v1/namespaces", {
          apiVersion: "v1",
          kind: "Namespace",
          metadata: { name: foreign.namespace }
        })
        const { namespace, own, spec } = manifestsOf(foreign, [{ name: "web" }])
        const taken = yield* Effect.flip(apply(foreign, namespace, forced))
        expect(taken).toMatchObject({ reason: "refused", diagnosis: { code: "NameTaken" } })
        expect(taken.message).toContain('"helm"')
        const [issue] = yield* dryRun(foreign, spec, own)
        expect(issue?.message).toMatch(/^NameTaken: /)

        const going = yield* organization("apply-going")
        const made = manifestsOf(going, [{ name: "web" }])
        yield* apply(going, made.namespace, asIs)
        const finalizer = { metadata: { name: "held", finalizers: ["example.com/hold"] } }
        yield* post(pathIn(going, kinds.serviceAccount), { apiVersion: "v1", kind: "ServiceAccount", ...finalizer })
        yield* removeNamespace(going)
        yield* untilCached((one) => one.namespace(going.namespace)?.deletionTimestamp !== undefined)
        let waits = yield* Effect.flip(apply(going, made.namespace, asIs))
        for (let tries = 0; tries < 100 && !waits.message.includes("example.com/hold"); tries++) {
          yield* Effect.sleep(100)
          waits = yield* Effect.flip(apply(going, made.namespace, asIs))
        }
        expect(waits).toMatchObject({ reason: "unavailable", diagnosis: { code: "NamespaceTerminating" } })
        expect(waits.message).toContain("example.com/hold")
        yield* patchAs("test", pathIn(going, kinds.serviceAccount, "held"), { metadata: { finalizers: [] } })
      })
    )
  })
})
