import { randomBytes } from "node:crypto"
import { describe } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, Layer } from "effect"
import { layer } from "../../src/runtimes/kubeApi/HttpKubeApi.ts"
import { KubeApi } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../src/runtimes/kubeApi/kinds.ts"

/** Tests on the cluster of `KUBECONFIG`, which has Knative; skipped if there is none. */
export const describeCluster: (name: string, tests: () => void) => void = describe.skipIf(
  process.env["KUBECONFIG"] === undefined
)

/** The cluster of `KUBECONFIG`. */
export const layerTest: Layer.Layer<KubeApi> = Layer.orDie(layer({ source: { type: "standard" } }))

/** Server-side apply by our field manager. */
export const applyTest = Effect.fn("applyTest")(function* (path: string, object: unknown) {
  const api = yield* KubeApi
  return yield* api.request({
    method: "PATCH",
    path,
    query: { fieldManager: "maxcloud", force: "true", fieldValidation: "Strict" },
    body: object,
    contentType: "application/apply-patch+yaml"
  })
})

/**
 * A separate namespace for this scope, like that of an organization's production: its name is the organization's. Its removal
 * starts at the end of the scope without waiting, because it takes minutes if Knative's pods have run.
 */
export const temporaryNamespace = (prefix: string, labels: Readonly<Record<string, string>> = {}) => {
  const name = OrganizationName.make(`${prefix}-${randomBytes(4).toString("hex")}`)
  const path = pathOf(kinds.namespace, undefined, name)
  return Effect.acquireRelease(
    Effect.as(
      applyTest(path, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: {
          name,
          labels: {
            "app.kubernetes.io/managed-by": "maxcloud",
            "maxcloud.dev/organization": name,
            "maxcloud.dev/stage": "production",
            ...labels
          }
        }
      }),
      name
    ),
    () => Effect.flatMap(KubeApi, (api) => Effect.ignore(api.request({ method: "DELETE", path })))
  )
}
