import { expect, layer } from "@effect/vitest"
import { Effect, Queue, Stream } from "effect"
import { describeCluster } from "../../../../test/kubeApi/testCluster.ts"
import {
  app,
  clusterTest,
  get,
  makeApplyTest,
  manifestsOf,
  named,
  newKey,
  patchAs,
  pathIn,
  remove,
  removeNamespace,
  untilCached
} from "../../../../test/kubernetes/testApply.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { type Kind, kinds, pathOf } from "../../kubeApi/kinds.ts"
import type { Drift } from "../../port/Runtime.ts"

const manager = "kubectl-edit"
const strategic = "application/strategic-merge-patch+json"
const merge = "application/merge-patch+json"
const jsonPatch = "application/json-patch+json"

interface Edit {
  readonly name: string
  readonly kind: Kind
  readonly object: (namespace: string) => string
  readonly body: unknown
  readonly contentType: string
  /** The expected report. */
  readonly by: string | null
  readonly fields: ReadonlyArray<string>
}

const web = (_: string) => "web"
const ours = (_: string) => "maxcloud--default"
const namespace = (value: string) => value
const container = { image: "dev.local/hello:1", name: "user-container", env: [{ name: "DEBUG", value: "1" }] }

const edits: ReadonlyArray<Edit> = [
  {
    name: "a container with an additional variable",
    kind: kinds.service,
    object: web,
    body: { spec: { template: { spec: { containers: [container] } } } },
    contentType: merge,
    by: manager,
    fields: ["spec.template.spec.containers"]
  },
  {
    name: "its own traffic, and an annotation for a slow rollout",
    kind: kinds.service,
    object: web,
    body: {
      metadata: { annotations: { "serving.knative.dev/rollout-duration": "380s" } },
      spec: { traffic: [{ latestRevision: true, percent: 100, tag: "mine" }] }
    },
    contentType: merge,
    by: manager,
    fields: ["metadata.annotations[serving.knative.dev/rollout-duration]", "spec.traffic"]
  },
  {
    name: "a removed label of the service",
    kind: kinds.service,
    object: web,
    body: { metadata: { labels: { "app.kubernetes.io/managed-by": null } } },
    contentType: merge,
    by: null,
    fields: ["metadata.labels[app.kubernetes.io/managed-by]"]
  },
  {
    name: "an open network policy",
    kind: kinds.networkPolicy,
    object: web,
    body: [{ op: "add", path: "/spec/egress/-", value: {} }],
    contentType: jsonPatch,
    by: manager,
    fields: ["spec.egress"]
  },
  {
    name: "a network policy with a missing field",
    kind: kinds.networkPolicy,
    object: web,
    body: [{ op: "remove", path: "/spec/ingress" }],
    contentType: jsonPatch,
    by: null,
    fields: ["spec.ingress"]
  },
  {
    name: "a mounted token",
    kind: kinds.serviceAccount,
    object: web,
    body: { automountServiceAccountToken: true },
    contentType: strategic,
    by: manager,
    fields: ["automountServiceAccountToken"]
  },
  {
    name: "a larger quota with one more resource",
    kind: kinds.resourceQuota,
    object: ours,
    body: { spec: { hard: { pods: "9999", configmaps: "1" } } },
    contentType: strategic,
    by: manager,
    fields: ["spec.hard.configmaps", "spec.hard.pods"]
  },
  {
    name: "a namespace with unrestricted Pod Security",
    kind: kinds.namespace,
    object: namespace,
    body: {
      metadata: {
        labels: { "pod-security.kubernetes.io/enforce": "privileged", "pod-security.kubernetes.io/audit": "baseline" }
      }
    },
    contentType: strategic,
    by: manager,
    fields: ["metadata.labels[pod-security.kubernetes.io/audit]", "metadata.labels[pod-security.kubernetes.io/enforce]"]
  }
]

/** An app with one service, fully in the cache, and the reported changes of others. */
const running = (prefix: string) =>
  Effect.gen(function* () {
    const key = yield* Effect.acquireRelease(
      Effect.sync(() => newKey(prefix)),
      removeNamespace
    )
    const parts = yield* makeApplyTest()
    const { namespace: around, own } = manifestsOf(key, [{ name: "web", env: { KEY: { secret: "key" } } }])
    const noticed = yield* Queue.unbounded<Drift>()
    yield* parts.drift.pipe(
      Stream.filter((each) => each.key.namespace === key.namespace),
      Stream.runForEach((found) => Queue.offer(noticed, found)),
      Effect.forkScoped
    )
    const all = [...around, ...own]
    const heal = parts.apply(key, all, { force: true })
    yield* parts.apply(key, all, { force: false })
    yield* untilCached((one) => one.service(key.namespace, "web") !== undefined)
    return { ...parts, key, own, all, noticed, heal }
  })

const told = ({ change, fields, key, manager, object }: Drift) => ({
  app: key.app,
  change,
  fields,
  manager,
  name: object.name
})

/** Objects without the parts that the API server and Knative write themselves. */
const content = (object: unknown): unknown =>
  JSON.parse(JSON.stringify(object), (name, value) =>
    ["managedFields", "resourceVersion", "generation", "status", "serving.knative.dev/lastModifier"].includes(name)
      ? undefined
      : value
  )

describeCluster("drift (KUBECONFIG)", () => {
  layer(clusterTest, { excludeTestServices: true })((it) => {
    it.scoped(
      "is reported with author and place, and repaired",
      () =>
        Effect.gen(function* () {
          const { heal, key, noticed } = yield* running("apply-drift")
          const free = { metadata: { labels: { team: "x" }, annotations: { "example.com/note": "free" } } }
          for (const [kind, name] of [
            [kinds.service, "web"],
            [kinds.namespace, key.namespace]
          ] as const) {
            yield* patchAs(manager, pathOf(kind, key.namespace, name), free)
          }
          for (const { body, by, contentType, fields, kind, name, object } of edits) {
            const path = pathOf(kind, key.namespace, object(key.namespace))
            const before = content(yield* get(path))
            yield* patchAs(manager, path, body, contentType)
            const drift = yield* Effect.timeout(Queue.take(noticed), "5 seconds")
            expect({ of: name, ...told(drift) }).toEqual({
              of: name,
              app,
              change: "edited",
              name: object(key.namespace),
              manager: by,
              fields
            })
            yield* heal
            expect({ of: name, is: content(yield* get(path)) }).toEqual({ of: name, is: before })
          }
        }),
      60_000
    )

    it.scoped("leaves out fields that others may set, which are listed as left alone", () =>
      Effect.gen(function* () {
        const { heal, key, leftAlone, noticed, own } = yield* running("apply-left")
        const none = yield* leftAlone(key)
        expect(none).toEqual({ fields: [], complete: true })
        const secret = own.find((object) => object.kind === "Secret")?.metadata.name ?? ""
        yield* patchAs(manager, pathIn(key, kinds.service, "web"), {
          metadata: { annotations: { "example.com/note": "a secret note" }, labels: { team: "x" } }
        })
        yield* patchAs("argocd", pathOf(kinds.namespace, undefined, key.namespace), {
          metadata: { labels: { cost: "7" } }
        })
        yield* patchAs("vault", pathIn(key, kinds.secret, secret), { metadata: { annotations: { rotated: "yes" } } })
        yield* Effect.flatMap(KubeApi, (api) =>
          api.request({
            method: "PATCH",
            path: pathIn(key, kinds.networkPolicy, "web"),
            query: { fieldManager: "flux", force: "true" },
            contentType: "application/apply-patch+yaml",
            body: {
              apiVersion: "networking.k8s.io/v1",
              kind: "NetworkPolicy",
              metadata: { name: "web", annotations: { "flux.example.com/checksum": "1" } }
            }
          })
        )
        const { complete, fields } = yield* leftAlone(key)
        expect(complete).toBe(true)
        expect(
          fields.map(({ manager, object, path }) => `${object.kind}/${object.name} ${manager} ${path}`).sort()
        ).toEqual(
          [
            `Namespace/${key.namespace} argocd metadata.labels.cost`,
            "NetworkPolicy/web flux metadata.annotations[flux.example.com/checksum]",
            `Secret/${secret} vault metadata.annotations.rotated`,
            "Service/web kubectl-edit metadata.annotations[example.com/note]",
            "Service/web kubectl-edit metadata.labels.team"
          ].sort()
        )
        expect(JSON.stringify(fields)).not.toContain("a secret note")
        const ages = fields.map(({ since }) => Date.now() - (since?.getTime() ?? 0))
        expect(ages.every((age) => age < 60_000)).toBe(true)
        // They survive a forced apply, and none is reported as drift.
        yield* heal
        expect((yield* leftAlone(key)).fields).toEqual(fields)
        expect(yield* Queue.size(noticed)).toBe(0)
        expect(yield* leftAlone({ ...key, organizationId: newKey("other").organizationId })).toEqual(none)
      })
    )

    it.scoped("names nobody for a deleted object, and excludes our own removals", () =>
      Effect.gen(function* () {
        const { heal, key, noticed, own, remove: removeOwn } = yield* running("apply-gone")
        const secret = own.find((object) => object.kind === "Secret")?.metadata.name ?? ""
        for (const [kind, name] of [
          [kinds.networkPolicy, "web"],
          [kinds.secret, secret],
          [kinds.service, "web"]
        ] as const) {
          yield* untilCached((one) => one.metadataOf("secret", key.namespace, secret) !== undefined)
          const path = pathIn(key, kind, name)
          yield* remove(path)
          const drift = yield* Effect.timeout(Queue.take(noticed), "5 seconds")
          expect(told(drift)).toEqual({ app, change: "deleted", fields: [], manager: null, name })
          yield* untilCached(
            (one) =>
              one.metadataOf(
                kind === kinds.networkPolicy ? "networkPolicy" : kind === kinds.secret ? "secret" : "service",
                key.namespace,
                name
              ) === undefined
          )
          yield* heal
          expect(yield* get(path)).toMatchObject({ kind: named(own, kind.kind, name).kind, metadata: { name } })
        }
        yield* removeOwn(
          key,
          own.map(({ apiVersion, kind, metadata }) => ({ apiVersion, kind, name: metadata.name }))
        )
        yield* untilCached((one) => one.metadataOf("networkPolicy", key.namespace, "web") === undefined)
        // Changes are ordered only within a kind's watch, so wait until a later one of each has been judged.
        yield* patchAs(manager, pathIn(key, kinds.networkPolicy, "maxcloud--default"), { spec: { egress: [{}] } })
        const last = yield* Effect.timeout(Queue.take(noticed), "5 seconds")
        expect(told(last)).toMatchObject({ change: "edited", name: "maxcloud--default" })
      })
    )

    it.scoped("is repaired after a restart too, when nothing is remembered", () =>
      Effect.gen(function* () {
        const { all, key, own } = yield* running("apply-again")
        const path = pathIn(key, kinds.networkPolicy, "web")
        yield* patchAs(manager, path, [{ op: "add", path: "/spec/egress/-", value: {} }], jsonPatch)
        yield* patchAs(manager, pathIn(key, kinds.resourceQuota, "maxcloud--default"), {
          spec: { hard: { configmaps: "1" } }
        })
        const { apply } = yield* makeApplyTest()
        yield* apply(key, all, { force: true })
        expect(yield* get(path)).toMatchObject({ spec: named(own, "NetworkPolicy", "web")["spec"] })
        const quota = yield* get(pathIn(key, kinds.resourceQuota, "maxcloud--default"))
        expect(quota).not.toHaveProperty("spec.hard.configmaps")
      })
    )
  })
})
