import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { FastCheck as fc, Schema } from "effect"
import { EventObject, PodObject } from "../cache/objects.ts"
import { podHappenings } from "./podHappenings.ts"
import { goMillis, pullOf } from "./pullOf.ts"

const key = {
  organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: productionStage,
  namespace: "mc-acme-shop",
  service: ServiceName.make("web")
}
const decodePod = Schema.decodeUnknownSync(PodObject)
const decodeEvent = Schema.decodeUnknownSync(EventObject)
const at = "2026-01-31T12:00:00Z"

const happeningsOf = (status: object) =>
  podHappenings(
    decodePod({ metadata: { name: "web-1", namespace: "mc-acme-shop", uid: "u1" }, spec: {}, status }),
    key,
    "web-00001"
  ).map(({ facts, id, type }) => [
    type,
    id,
    "reason" in facts ? facts.reason : "",
    "exitCode" in facts ? facts.exitCode : ""
  ])

const ended = (restartCount: number, terminated: object, name = "user-container") => ({
  containerStatuses: [{ name, restartCount, lastState: { terminated: { finishedAt: at, ...terminated } } }]
})
const disrupted = (reason: string, status = "True") => ({
  conditions: [{ type: "DisruptionTarget", status, reason, lastTransitionTime: at }]
})

describe("a pod's status", () => {
  it.each<[string, object, ReadonlyArray<ReadonlyArray<unknown>>]>([
    ["says nothing while it runs", { containerStatuses: [{ name: "user-container", restartCount: 0 }] }, []],
    ["reports a program that failed", ended(2, { exitCode: 3 }), [["instance.restarted", "u1/restart/2", "Failed", 3]]],
    ["reports one that exited", ended(1, { exitCode: 0 }), [["instance.restarted", "u1/restart/1", "Exited", 0]]],
    [
      "reports one that used too much memory",
      ended(1, { exitCode: 137, reason: "OOMKilled" }),
      [["instance.restarted", "u1/restart/1", "OutOfMemory", 137]]
    ],
    ["doesn't report Knative's own container", ended(4, { exitCode: 1 }, "queue-proxy"), []],
    ["reports nothing without a time", ended(1, { exitCode: 1, finishedAt: null }), []],
    ["reports a preemption", disrupted("PreemptionByScheduler"), [["instance.evicted", "u1/evicted", "Preempted", ""]]],
    [
      "reports a full node",
      disrupted("TerminationByKubelet"),
      [["instance.evicted", "u1/evicted", "NodePressure", ""]]
    ],
    [
      "reports a drained node",
      disrupted("EvictionByEvictionAPI"),
      [["instance.evicted", "u1/evicted", "NodeDrained", ""]]
    ],
    ["reports a taint", disrupted("DeletionByTaintManager"), [["instance.evicted", "u1/evicted", "NodeTainted", ""]]],
    ["reports a lost node", disrupted("DeletionByPodGC"), [["instance.evicted", "u1/evicted", "NodeLost", ""]]],
    ["ignores a condition that isn't true", disrupted("PreemptionByScheduler", "False"), []],
    ["ignores a reason that it doesn't know", disrupted("constructor"), []]
  ])("%s", (_, status, expected) => {
    expect(happeningsOf(status)).toEqual(expected)
  })
})

const event = (message: string, rest: object = {}) =>
  pullOf(
    decodeEvent({
      metadata: { name: "e", namespace: "mc-acme-shop", uid: "e1" },
      involvedObject: { kind: "Pod", name: "web-1", fieldPath: "spec.containers{user-container}" },
      type: "Normal",
      reason: "Pulled",
      message,
      lastTimestamp: at,
      ...rest
    })
  )
const digest = `sha256:${"c".repeat(64)}`

describe("an event of the kubelet", () => {
  it("reports a pull, with the time it waited for others", () => {
    expect(
      event(
        `Successfully pulled image "index.docker.io/library/nginx@${digest}" in 1.204s (1m2.5s including waiting). Image size: 1 bytes.`
      )
    ).toEqual({
      id: "e1",
      at: new Date(at),
      namespace: "mc-acme-shop",
      pod: "web-1",
      image: "index.docker.io/library/nginx",
      digest,
      milliseconds: 62_500
    })
    expect(event('Successfully pulled image "nginx:1" in 900ms (900ms including waiting)')?.digest).toBeNull()
  })

  it("reports no pull if the image was already on the node, or for Knative's own container", () => {
    expect(event('Container image "nginx" already present on machine')).toBeUndefined()
    const pulled = 'Successfully pulled image "nginx" in 1s (1s including waiting)'
    expect(event(pulled)).toBeDefined()
    expect(
      event(pulled, { involvedObject: { kind: "Pod", name: "p", fieldPath: "spec.containers{queue-proxy}" } })
    ).toBeUndefined()
    expect(event(pulled, { involvedObject: { kind: "Node", name: "p" } })).toBeUndefined()
    expect(event(pulled, { reason: "Killing" })).toBeUndefined()
    expect(event(pulled, { lastTimestamp: "soon" })).toBeUndefined()
  })

  it("has durations as Go writes them", () => {
    expect(["1.2s", "345.6ms", "1m2.5s", "1h0m0s", "12µs", "0s"].map(goMillis)).toEqual([
      1_200, 346, 62_500, 3_600_000, 0, 0
    ])
    expect(["", "s", "1", "1x", "1s later", "-1s"].map(goMillis)).toEqual(Array(6).fill(undefined))
  })

  it("with any message reports nothing or something bounded", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5_000 }), fc.string({ maxLength: 3_000 }), (before, image) => {
        const found = event(`Successfully pulled image "${image}" in ${before} (1s including waiting)`)
        expect(found === undefined || found.image.length <= 1_024).toBe(true)
        expect(event(before)).toBeUndefined()
      })
    )
  })
})
