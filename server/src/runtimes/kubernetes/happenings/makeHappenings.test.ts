import { describe, expect, it } from "@effect/vitest"
import { label } from "@maxcloud/synth"
import { Chunk, Effect, Option, Schema, Stream } from "effect"
import { mockCluster } from "../../../../test/kubernetes/mockCluster.ts"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import { MetadataObject, RevisionObject } from "../cache/objects.ts"
import { deploymentName } from "../deploymentName.ts"
import { makeHappenings } from "./makeHappenings.ts"

const namespace = "mc-acme-shop"
const metadataOf = (name: string, labels: Readonly<Record<string, string>>) =>
  Schema.decodeUnknownSync(MetadataObject)({ metadata: { name, namespace, labels } }).metadata
const around = metadataOf(namespace, {
  [label.organizationId]: `org_${"a".repeat(32)}`,
  [label.organization]: "acme",
  [label.app]: "shop",
  [label.stage]: "production"
})

/** The pull of a pod whose revision is there, as the kubelet reports it. `isThere`: the pod is there too. */
const pullOf = (service: string, pod: string, isThere: boolean) => {
  const revision = `${service}-00001`
  const labels = { [label.service]: service, [label.revision]: revision }
  const event = {
    metadata: { name: "e", namespace, uid: "e1" },
    involvedObject: { kind: "Pod", name: pod, fieldPath: "spec.containers{user-container}" },
    type: "Normal",
    reason: "Pulled",
    message: 'Successfully pulled image "nginx" in 1s (1s including waiting)',
    lastTimestamp: "1970-01-01T00:00:00Z"
  }
  const services = mockCluster(
    {
      watch: ({ decode }) => Stream.make({ type: "list", objects: Option.toArray(decode(event)) } as const)
    },
    {
      synced: Effect.void,
      changes: Stream.empty,
      namespace: () => around,
      metadataOf: (kind, _, name) => (isThere && kind === "pod" && name === pod ? metadataOf(pod, labels) : undefined),
      revision: (_, name) =>
        name === revision
          ? Schema.decodeUnknownSync(RevisionObject)({ metadata: { name, namespace, labels }, spec: {} })
          : undefined
    }
  )
  return Effect.gen(function* () {
    const found = yield* Stream.runCollect(makeHappenings(yield* KubeApi, yield* ClusterCache))
    return Chunk.toReadonlyArray(found).map(({ facts, key, type }) => [type, key.service, facts.revision])
  }).pipe(Effect.provide(services))
}

const long = `a${"b".repeat(51)}`

describe("a pulled image", () => {
  it.effect.each([
    ["of a service with a short name", "web", "web-00001-deployment-6d4cf56db6-x2x7k", true],
    ["whose pod's name Kubernetes shortened", "c".repeat(36), `${"c".repeat(36)}-00001-deployment-5cx2x7k`, true],
    ["whose Deployment's name Knative hashed", long, `${deploymentName(`${long}-00001`).slice(0, 58)}x2x7k`, true],
    ["whose pod is gone", "web", "web-00001-deployment-6d4cf56db6-x2x7k", false]
  ] as const)("%s belongs to its service", ([, service, pod, isThere]) =>
    Effect.map(pullOf(service, pod, isThere), (found) =>
      expect(found).toEqual([["image.pulled", service, `${service}-00001`]])
    )
  )
})
