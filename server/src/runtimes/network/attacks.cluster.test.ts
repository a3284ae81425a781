import { expect, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { serverKubeconfig } from "../../../test/cluster/serverKubeconfig.ts"
import { describeCluster, layerTest } from "../../../test/kubeApi/testCluster.ts"
import {
  applyAll,
  newOrganization,
  nodeImage,
  organizationScope,
  podAddress,
  proberManifests,
  proberNamespace,
  probesFrom,
  readyHost
} from "../../../test/network/proberCluster.ts"
import { mark, type Probe, type ProbeResult } from "../../../test/network/proberProgram.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { findClusterRanges } from "./clusterRanges.ts"

const everything = ["10.0.0.0/8", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32", "169.254.169.254/32"]

const Services = Schema.Struct({
  items: Schema.Array(
    Schema.Struct({
      metadata: Schema.Struct({ name: Schema.String }),
      spec: Schema.Struct({
        clusterIP: Schema.optionalWith(Schema.String, { default: () => "" }),
        ports: Schema.optionalWith(Schema.Array(Schema.Struct({ port: Schema.Int })), { default: () => [] })
      })
    })
  )
})
const servicesIn = (namespace: string) =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const answer = yield* api.request({ method: "GET", path: `/api/v1/namespaces/${namespace}/services` })
    return (yield* Schema.decodeUnknown(Services)(answer)).items.filter((item) => /^\d/.test(item.spec.clusterIP))
  }).pipe(Effect.orDie)

const addressOf = (namespace: string, name: string) =>
  Effect.map(servicesIn(namespace), (all) => all.find((object) => object.metadata.name === name)?.spec.clusterIP ?? "")

/** Range of the test cluster's pods, which no node reports (`MAXCLOUD_CLOSED_RANGES`). */
const podRange = process.env["MAXCLOUD_CLOSED_RANGES"] ?? "10.240.0.0/16"

class Attack extends Effect.Service<Attack>()("@maxcloud/test/Attack", {
  scoped: Effect.gen(function* () {
    yield* Effect.promise(serverKubeconfig)
    const image = yield* nodeImage
    const victim = newOrganization("victim")
    const [careful, careless] = [newOrganization("attack"), newOrganization("attack")]
    const closedRanges = (yield* findClusterRanges([podRange])).found
    const egress = { web: { egress: everything } }
    for (const name of [victim, careful, careless]) yield* organizationScope(name)
    yield* applyAll(proberManifests(victim, image, { back: { visibility: "internal" } }))
    // As the server creates them if the operator lists 10/8, and as a server without knowledge of the cluster would.
    yield* applyAll(
      proberManifests(careful, image, egress, {
        closedRanges: [...closedRanges, podRange],
        privateRanges: ["10.0.0.0/8"]
      })
    )
    yield* applyAll(proberManifests(careless, image, egress, { privateRanges: ["10.0.0.0/8"] }))
    yield* readyHost(proberNamespace(victim), "back")
    return {
      careful: yield* readyHost(proberNamespace(careful), "web"),
      careless: yield* readyHost(proberNamespace(careless), "web"),
      victim: proberNamespace(victim),
      pod: yield* podAddress(proberNamespace(victim), "maxcloud.dev/service=back"),
      activator: yield* addressOf("knative-serving", "activator-service"),
      activatorPod: yield* podAddress("knative-serving", "app=activator"),
      autoscaler: yield* addressOf("knative-serving", "autoscaler"),
      autoscalerPod: yield* podAddress("knative-serving", "app=autoscaler"),
      apiServer: yield* addressOf("default", "kubernetes"),
      revisions: yield* servicesIn(proberNamespace(victim))
    }
  })
}) {}

const get = (host: string, port: number, named: string): Probe => ({
  type: "raw",
  host,
  port,
  bytes: `GET / HTTP/1.1\r\nHost: ${named}\r\nConnection: close\r\n\r\n`,
  millis: 2_500
})

const hostsOf = (victim: string, revisions: ReadonlyArray<{ readonly metadata: { readonly name: string } }>) =>
  [...revisions.map((revision) => revision.metadata.name), "back"].map(
    (value) => `${value}.${victim}.svc.cluster.local`
  )

const isOpen = (result: ProbeResult) => result.connected || /ECONNREFUSED|ECONNRESET/.test(result.error)

describeCluster("targets of a service with egress to the cluster's own ranges (KUBECONFIG)", () => {
  layer(Attack.Default.pipe(Layer.provideMerge(layerTest)), { timeout: "3 minutes", excludeTestServices: true })(
    (it) => {
      it.effect("include nothing in the cluster if the platform knows its ranges", () =>
        Effect.gen(function* () {
          const attack = yield* Attack
          const targets = [
            ...hostsOf(attack.victim, attack.revisions).flatMap((host) => [
              get(attack.activator, 80, host),
              get(attack.activatorPod, 8012, host),
              get(attack.pod, 8012, host),
              ...attack.revisions.map((revision) =>
                get(revision.spec.clusterIP, revision.spec.ports[0]?.port ?? 80, host)
              )
            ]),
            get(attack.autoscaler, 8080, "autoscaler"),
            get(attack.autoscalerPod, 8080, "autoscaler"),
            get(attack.apiServer, 443, "kubernetes"),
            get("10.240.0.1", 16_443, "kubernetes"),
            get("10.240.0.1", 10_250, "node"),
            ...["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16"].map((name) =>
              get(name, 80, "metadata")
            )
          ]
          const results = yield* probesFrom(attack.careful, targets)
          expect(results.length).toBe(targets.length)
          const open = targets.filter((_, index) => {
            const result = results[index]
            return result === undefined || isOpen(result)
          })
          expect(open).toEqual([])
        })
      )

      it.effect("exclude the activator and the autoscaler, even if the service's policy opens all of 10/8", () =>
        Effect.gen(function* () {
          const attack = yield* Attack
          const targets = [
            ...hostsOf(attack.victim, attack.revisions).flatMap((host) => [
              get(attack.activator, 80, host),
              get(attack.activatorPod, 8012, host)
            ]),
            get(attack.autoscaler, 8080, "autoscaler"),
            get(attack.autoscalerPod, 8080, "autoscaler")
          ]
          const results = yield* probesFrom(attack.careless, targets)
          expect(results.filter((result) => result.text.includes(`${mark}${attack.victim}/back`))).toEqual([])
          expect(results.filter(isOpen)).toEqual([])
        })
      )
    }
  )
})
