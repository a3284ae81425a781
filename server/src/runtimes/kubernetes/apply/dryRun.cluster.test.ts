import { expect, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { describeCluster } from "../../../../test/kubeApi/testCluster.ts"
import {
  clusterTest,
  get,
  makeApplyTest,
  manifestsOf,
  newKey,
  removeNamespace,
  untilCached
} from "../../../../test/kubernetes/testApply.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { MetadataObject } from "../cache/objects.ts"
import { managedKinds } from "./managed.ts"

const decodeList = Schema.decodeUnknownSync(Schema.Struct({ items: Schema.Array(MetadataObject) }))

/** Every object in our namespace with its version. */
const versions = (namespace: string) =>
  Effect.gen(function* () {
    const all: Array<string> = []
    // A cluster may lack ExternalSecrets.
    const own = Object.values(managedKinds).filter((managedKind) => managedKind !== kinds.externalSecret)
    for (const kind of [...own, kinds.revision, kinds.pod]) {
      const { items } = decodeList(yield* get(pathOf(kind, namespace)))
      for (const { metadata } of items) {
        if (kind.namespaced || metadata.name === namespace) {
          all.push(`${kind.kind}/${metadata.name} ${metadata.uid} ${metadata.resourceVersion}`)
        }
      }
    }
    return all.sort()
  })

/** Waits until Knative and the quota have reported on it. */
const settled = (namespace: string) =>
  Effect.gen(function* () {
    let before = yield* versions(namespace)
    for (let equal = 0; equal < 4; ) {
      yield* Effect.sleep(250)
      const now = yield* versions(namespace)
      equal = now.join() === before.join() ? equal + 1 : 0
      before = now
    }
    return before
  })

const organization = (prefix: string) =>
  Effect.acquireRelease(
    Effect.sync(() => newKey(prefix)),
    removeNamespace
  )

describeCluster("dry run (KUBECONFIG)", () => {
  layer(clusterTest, { excludeTestServices: true })((it) => {
    it.scoped(
      "reports refusals without changing any version, in the organization's namespace and in the scratch one",
      () =>
        Effect.gen(function* () {
          const key = yield* organization("apply-dry")
          const scratch = yield* organization("apply-scratch")
          const { apply, dryRun } = yield* makeApplyTest(scratch.namespace)
          const idle = [{ name: "web", scale: { min: 1 } }]
          const { namespace, own } = manifestsOf(key, idle)
          yield* apply(scratch, manifestsOf(scratch, idle).namespace, { force: false })

          const more = manifestsOf(key, [
            { name: "web", env: { A: "b" } },
            { name: "api", env: { KEY: { secret: "key" } } }
          ])
          const pull = {
            apiVersion: "v1",
            kind: "Secret",
            metadata: {
              name: "maxcloud--registry",
              namespace: key.namespace,
              annotations: { "maxcloud.dev/registry-credentials": "true" }
            },
            type: "kubernetes.io/dockerconfigjson"
          }
          const tried = [...more.namespace, pull, ...more.own]
          const outer = yield* settled(scratch.namespace)
          expect(yield* dryRun(key, more.spec, tried)).toEqual([])
          expect(yield* versions(scratch.namespace)).toEqual(outer)

          yield* apply(key, [...namespace, ...own], { force: false })
          yield* untilCached((one) => one.service(key.namespace, "web") !== undefined)
          const inner = yield* settled(key.namespace)
          expect(yield* dryRun(key, more.spec, tried)).toEqual([])

          // Knative doesn't accept this field; the second service is reported.
          const bad = more.own.map((object) =>
            object.kind === "Service" && object.metadata.name === "api"
              ? {
                  ...object,
                  spec: {
                    template: { spec: { nodeSelector: { a: "b" }, containers: [{ image: "dev.local/hello:1" }] } }
                  }
                }
              : object
          )
          const [issue, ...others] = yield* dryRun(key, more.spec, bad)
          expect(issue?.path).toEqual(["services", more.spec.services.findIndex((service) => service.name === "api")])
          expect(issue?.message).toMatch(/^AdmissionRefused: Service ".*\/api": the admission webhook .*nodeSelector/)
          expect(others).toEqual([])
          expect(yield* versions(key.namespace)).toEqual(inner)
          expect(yield* versions(scratch.namespace)).toEqual(outer)
        }),
      90_000
    )

    it.scoped("names the remedy if the scratch namespace is missing", () =>
      Effect.gen(function* () {
        const key = newKey("apply-none")
        const { asked, dryRun } = yield* makeApplyTest("apply-not-there")
        const { own, spec } = manifestsOf(key, [{ name: "web" }])
        expect(yield* dryRun(key, spec, own)).toEqual([
          { path: [], message: expect.stringContaining("maxcloud cluster install") }
        ])
        expect(asked.every((each) => each.method === "GET")).toBe(true)
      })
    )
  })
})
