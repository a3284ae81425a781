import { expect, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import { KubeApi } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../runtimes/kubeApi/kinds.ts"
import { systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { type InstallStep, install } from "./install.ts"
import { pathOfManifest } from "./installKinds.ts"
import { serverManifests } from "./serverManifests.ts"
import { hasServiceMonitors } from "./serverState.ts"

const image = "registry.example.com/maxcloud:1"
const Template = Schema.Struct({ template: Schema.Struct({ metadata: Schema.Unknown, spec: Schema.Unknown }) })

describeCluster("the manifest of the server (KUBECONFIG)", () => {
  layer(layerTest, { excludeTestServices: true })((it) => {
    it.effect("is accepted by the API server field by field, and its pod by Pod Security", () =>
      Effect.gen(function* () {
        const api = yield* KubeApi
        const manifests = serverManifests({
          image,
          namespacePrefix: "mc-",
          hasServiceMonitors: yield* hasServiceMonitors
        })
        for (const { metadata, ...rest } of manifests) {
          // Under another name, so that it's the same whether or not the cluster has a server.
          const other = { ...rest, metadata: { ...metadata, name: "maxcloud-server-test" } }
          yield* api.request({
            method: "PATCH",
            path: pathOfManifest(other),
            query: { fieldManager: "maxcloud-test", fieldValidation: "Strict", dryRun: "All" },
            body: other,
            contentType: "application/apply-patch+yaml"
          })
        }
        const deployment = manifests.find(({ kind }) => kind === "Deployment") ?? expect.unreachable("no Deployment")
        const { template } = Schema.decodeUnknownSync(Template)(deployment["spec"])
        const pod = yield* api.request({
          method: "POST",
          path: pathOf(kinds.pod, systemNamespace),
          query: { dryRun: "All", fieldValidation: "Strict" },
          body: {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { generateName: "maxcloud-server-test-" },
            spec: template.spec
          }
        })
        expect(pod).toMatchObject({ kind: "Pod" })
      })
    )

    it.effect("is part of an installation that asks for it", () =>
      Effect.gen(function* () {
        const steps: Array<InstallStep> = []
        yield* install({
          image,
          server: true,
          domain: undefined,
          namespacePrefix: undefined,
          keepKnativeSettings: true,
          dryRun: true,
          force: true,
          onStep: (step) => steps.push(step)
        })
        expect(steps.map(({ what }) => what)).toEqual(
          expect.arrayContaining(
            ["Service", "PodDisruptionBudget", "NetworkPolicy", "Deployment"].map(
              (kind) => `${kind} maxcloud-system/maxcloud-server`
            )
          )
        )
        const refused = yield* Effect.flip(
          install({
            image: undefined,
            server: true,
            domain: undefined,
            namespacePrefix: undefined,
            keepKnativeSettings: true,
            dryRun: true,
            force: false,
            onStep: () => expect.unreachable("a step")
          })
        )
        expect(refused).toMatchObject({ fix: "add --image REF, or leave out --server" })
      })
    )
  })
})
