import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { diagnosisOf, type ServiceState } from "@maxcloud/sdk/api"
import * as fc from "fast-check"
import { condition, evidence, knativeRevision, knativeService, pod } from "../../../../test/kubernetes/testObjects.ts"
import type { KubeCondition } from "../cache/objects.ts"
import { diagnose } from "../diagnosis/diagnose.ts"
import { noVerdict, type Verdict } from "../diagnosis/Evidence.ts"
import { revisionsOf, statusOf } from "./statusOf.ts"

const name = ServiceName.make("web")
const revision = "web-00001"

interface Row {
  readonly what: string
  readonly service: ReadonlyArray<KubeCondition>
  readonly revision?: ReadonlyArray<KubeCondition>
  readonly readyRevision?: string
  readonly instances?: number
  readonly verdict?: Partial<Verdict>
  readonly state: ServiceState
}

const isReady = condition("Ready", "True")
const rows: ReadonlyArray<Row> = [
  { what: "no status yet", service: [], state: "pending" },
  {
    what: "ConfigurationsReady Unknown OutOfDate",
    service: [condition("Ready", "Unknown", "OutOfDate")],
    state: "pending"
  },
  {
    what: "RoutesReady Unknown RevisionMissing: wait",
    service: [condition("Ready", "Unknown", "RevisionMissing"), condition("RoutesReady", "Unknown", "RevisionMissing")],
    state: "pending"
  },
  {
    what: "RoutesReady False RevisionMissing: failed, by the same reason",
    service: [condition("Ready", "False", "RevisionMissing"), condition("RoutesReady", "False", "RevisionMissing")],
    state: "failed"
  },
  {
    what: "ConfigurationsReady False RevisionFailed, nothing serves",
    service: [
      condition("Ready", "False", "RevisionFailed"),
      condition("ConfigurationsReady", "False", "RevisionFailed")
    ],
    state: "failed"
  },
  {
    what: "ConfigurationsReady False RevisionFailed, an older revision serves",
    service: [condition("Ready", "False", "RevisionFailed")],
    readyRevision: "web-00000",
    instances: 1,
    state: "failed"
  },
  {
    what: "the first crash, for which Knative says False at once, may be temporary",
    service: [condition("Ready", "False", "RevisionFailed")],
    verdict: { diagnosis: diagnosisOf("CrashOnStart", "once so far") },
    state: "pending"
  },
  {
    what: "a certain cause while Knative still says Unknown",
    service: [condition("Ready", "Unknown", "RevisionMissing")],
    verdict: { diagnosis: diagnosisOf("ImageNotFound", "…"), terminal: true },
    state: "failed"
  },
  {
    what: "Ready of an older revision doesn't count",
    service: [isReady],
    readyRevision: "web-00000",
    instances: 1,
    state: "pending"
  },
  {
    what: "Unknown TrafficNotMigrated",
    service: [condition("Ready", "Unknown", "TrafficNotMigrated")],
    readyRevision: revision,
    state: "pending"
  },
  {
    what: "Unknown IngressNotConfigured",
    service: [condition("Ready", "Unknown", "IngressNotConfigured")],
    readyRevision: revision,
    state: "pending"
  },
  {
    what: "Unknown RolloutInProgress",
    service: [condition("Ready", "Unknown", "RolloutInProgress")],
    readyRevision: revision,
    instances: 2,
    state: "pending"
  },
  {
    what: "ready",
    service: [isReady],
    revision: [condition("Active", "True")],
    readyRevision: revision,
    instances: 1,
    state: "ready"
  },
  {
    what: "Active False NoTraffic is idle",
    service: [isReady],
    revision: [condition("Active", "False", "NoTraffic")],
    readyRevision: revision,
    state: "idle"
  },
  {
    what: "NoTraffic with a lingering instance",
    service: [isReady],
    revision: [condition("Active", "False", "NoTraffic")],
    readyRevision: revision,
    instances: 1,
    state: "ready"
  },
  {
    what: "Active Unknown Queued is waking",
    service: [isReady],
    revision: [condition("Active", "Unknown", "Queued")],
    readyRevision: revision,
    state: "waking"
  },
  {
    what: "Active False TimedOut is degraded",
    service: [isReady],
    revision: [condition("Active", "False", "TimedOut")],
    readyRevision: revision,
    state: "degraded"
  },
  {
    what: "instances that fail after it was ready",
    service: [condition("Ready", "False", "RevisionFailed")],
    readyRevision: revision,
    verdict: { diagnosis: diagnosisOf("CrashAfterReady", "…"), degraded: true },
    state: "degraded"
  }
]

const pods = (count: number) => Array.from({ length: count }, () => pod({ ready: true }))

describe("statusOf", () => {
  it.each(rows)("$what: $state", (row) => {
    const service = knativeService({ conditions: row.service, ready: row.readyRevision ?? "" })
    const status = statusOf(name, service, [knativeRevision(row.revision ?? [])], pods(row.instances ?? 0), {
      ...noVerdict,
      ...row.verdict
    })
    expect(status.state).toBe(row.state)
    expect(status.instances).toBe(row.instances ?? 0)
  })

  it("doesn't give up a revision that lacks room", () => {
    const service = knativeService({ conditions: [condition("Ready", "False", "RevisionMissing")] })
    const stillTold = knativeRevision([condition("ResourcesAvailable", "False", "Unschedulable")])
    expect(statusOf(name, service, [stillTold], [pod()], noVerdict).state).toBe("pending")
    expect(statusOf(name, service, [stillTold], [], noVerdict).state).toBe("pending")
  })

  it("isn't ready before its visibility is the requested one", () => {
    const ready = { conditions: [isReady], ready: revision }
    const labels = { "networking.knative.dev/visibility": "cluster-local" }
    const url = "http://web.acme.svc.cluster.local"
    const told = (service: Parameters<typeof statusOf>[1]) =>
      statusOf(name, service, [knativeRevision()], [pod({ ready: true })], noVerdict)
    expect(told(knativeService({ ...ready, labels })).state).toBe("pending")
    expect(told(knativeService({ ...ready, labels, url })).state).toBe("ready")
    expect(told(knativeService({ ...ready, url }))).toMatchObject({ state: "pending", url: null })
    expect(told(knativeService(ready))).toMatchObject({ state: "ready", url: "https://web--acme.example.com" })
  })

  it("is paused by the annotation, whatever else the status says", () => {
    const paused = { "maxcloud.dev/paused": "true" }
    const service = knativeService({ annotations: paused, conditions: [condition("Ready", "False", "RevisionFailed")] })
    expect(statusOf(name, service, [], [], noVerdict).state).toBe("paused")
  })

  it("shows a failed wake-up, which Knative's Ready does not", () => {
    const wake = { ...noVerdict, degraded: true, diagnosis: diagnosisOf("WakeFailed", "couldn't start an instance: …") }
    const { conditions, state } = statusOf(
      name,
      knativeService({ conditions: [isReady], ready: revision }),
      [],
      [],
      wake
    )
    expect(state).toBe("degraded")
    expect(conditions).toContainEqual(expect.objectContaining({ type: "Wakes", status: "False", reason: "WakeFailed" }))
  })

  it("doesn't count terminating instances", () => {
    const going = pod({ ready: true })
    const gone = { ...going, metadata: { ...going.metadata, deletionTimestamp: going.metadata.creationTimestamp } }
    expect(statusOf(name, knativeService(), [], [going, gone], noVerdict).instances).toBe(1)
    expect(revisionsOf(name, undefined, [knativeRevision()], [going, gone])[0]?.instances).toBe(1)
  })

  it("names a revision's image by the digest that Knative has resolved, if any", () => {
    const written = knativeRevision()
    const imageDigest = `ghcr.io/acme/web@sha256:${"d".repeat(64)}`
    const told = (containerStatuses: (typeof written)["status"]["containerStatuses"]) =>
      revisionsOf(name, undefined, [{ ...written, status: { ...written.status, containerStatuses } }], [])[0]?.image
    expect(told([{ name: "user-container", imageDigest }])).toBe(imageDigest)
    expect(told([{ name: "user-container", imageDigest: "" }])).toBe("ghcr.io/acme/web:1")
    expect(told([])).toBe("ghcr.io/acme/web:1")
  })

  const anyCondition = fc.record({
    type: fc.constantFrom(
      "Ready",
      "ConfigurationsReady",
      "RoutesReady",
      "ContainerHealthy",
      "ResourcesAvailable",
      "Active"
    ),
    status: fc.constantFrom("True" as const, "False" as const, "Unknown" as const),
    reason: fc.constantFrom(
      "",
      "RevisionMissing",
      "RevisionFailed",
      "NoTraffic",
      "Queued",
      "TimedOut",
      "ExitCode1",
      "FailedCreate",
      "NotOwned",
      "ProgressDeadlineExceeded",
      "ContainerMissing"
    ),
    message: fc.string(),
    lastTransitionTime: fc.constantFrom("", "2026-01-01T11:59:00Z", "no time")
  })
  const anyState = fc.oneof(
    fc.constant({}),
    fc.record({
      waiting: fc.record({
        reason: fc.constantFrom("ErrImagePull", "CrashLoopBackOff", "CreateContainerError", "ContainerCreating"),
        message: fc.string()
      })
    }),
    fc.record({
      running: fc.record({ startedAt: fc.constantFrom("", "2026-01-01T11:59:30Z", "2026-01-01T13:00:00Z") })
    }),
    fc.record({
      terminated: fc.record({
        exitCode: fc.integer({ min: 0, max: 255 }),
        reason: fc.constantFrom("Error", "OOMKilled", "StartError"),
        message: fc.string()
      })
    })
  )
  const anyPod = fc
    .record({ state: anyState, lastState: anyState, restartCount: fc.nat(3), ready: fc.boolean() })
    .map((value) => pod(value))

  it("is total, and ignores the status of a generation that Knative hasn't processed", () => {
    fc.assert(
      fc.property(
        fc.array(anyCondition, { maxLength: 6 }),
        fc.array(anyCondition, { maxLength: 4 }),
        fc.array(anyPod, { maxLength: 2 }),
        fc.record({
          generation: fc.integer({ min: 1, max: 3 }),
          observed: fc.integer({ min: 0, max: 3 }),
          created: fc.constantFrom("", revision),
          ready: fc.constantFrom("", revision, "web-00000")
        }),
        (ofService, ofRevision, some, input) => {
          const service = knativeService({ ...input, conditions: ofService })
          const revisions = [knativeRevision(ofRevision)]
          const verdict = diagnose(evidence({ service, revisions, pods: some }))
          const status = statusOf(name, service, revisions, some, verdict)
          if (verdict.terminal) expect(verdict.diagnosis).not.toBeNull()
          if (status.state === "ready") {
            expect(status.instances).toBeGreaterThan(0)
            expect(status.latestCreatedRevision).toBe(status.latestReadyRevision)
          }
          if (input.generation !== input.observed) {
            expect(status).toMatchObject({ state: "pending", terminal: false, diagnosis: null })
            expect(status.conditions.every((condition) => condition.status === "Unknown")).toBe(true)
          }
        }
      ),
      { numRuns: 500 }
    )
  })
})
