import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import * as fc from "fast-check"
import {
  ago,
  condition,
  evidence,
  knativeRevision,
  knativeService,
  pod,
  warning
} from "../../../../test/kubernetes/testObjects.ts"
import { type Progress, progressOf } from "../../../control/deployments/statuses/progress.ts"
import { statusOf } from "../status/statusOf.ts"
import { diagnose } from "./diagnose.ts"
import type { Finding } from "./Evidence.ts"

const name = ServiceName.make("web")
const deployed: Progress = {
  name,
  action: "create",
  state: "pending",
  revision: null,
  url: null,
  reason: "Pending",
  message: "",
  logTail: [],
  diagnosis: null
}

/** Exit codes of programs; from 125 they are the container runtime's and the shell's. */
const exit = fc.oneof(fc.integer({ min: 0, max: 124 }), fc.constantFrom(137, 139, 143))
const seconds = fc.integer({ min: 0, max: 119 })

const endedState = fc.record({ exitCode: exit, at: seconds, oom: fc.boolean() }).map(({ at, exitCode, oom }) => ({
  terminated: {
    exitCode,
    reason: oom ? "OOMKilled" : exitCode === 0 ? "Completed" : "Error",
    startedAt: ago(at + 1),
    finishedAt: ago(at),
    message: "database isn't up yet"
  }
}))
const runningState = seconds.map((at) => ({ running: { startedAt: ago(at) } }))
const waitingState = fc
  .constantFrom(
    ["ContainerCreating", ""],
    ["PodInitializing", ""],
    ["CrashLoopBackOff", "back-off 40s restarting failed container"],
    ["ErrImagePull", "dial tcp 10.0.0.1:443: connect: connection refused"],
    ["ImagePullBackOff", 'Back-off pulling image "x": received unexpected HTTP status: 503 Service Unavailable'],
    ["CreateContainerError", "context deadline exceeded"]
  )
  .map(([reason, message]) => ({ waiting: { reason, message } }))

const declared = fc.oneof(
  fc
    .constantFrom("closed" as const, "silent" as const, "unknown" as const)
    .map((state) => ({ state, status: undefined, body: "" }) as const),
  fc.constantFrom(200, 404, 500, 503).map((status) => ({ state: "open", status, body: "not yet" }) as const)
)
const portsFinding: fc.Arbitrary<Finding> = fc.record({
  kind: fc.constant("ports" as const),
  declared,
  other: fc.constantFrom(undefined, 8081, 3000),
  named: fc.constantFrom(undefined, 3000),
  lines: fc.constant(["starting"])
})
/** Everything that could be asked was asked, so that no verdict waits for an answer. */
const answers = fc.tuple(fc.nat(5), fc.array(portsFinding, { minLength: 8, maxLength: 8 })).map(([run, found]) => {
  const logs = ["first", "again"].map((key): [string, Finding] => [
    `uid-pod/log/${key}`,
    { kind: "log", lines: ["database isn't up yet"] }
  ])
  const looks = [4, 8, 13, 20, 40, 80, 160, 320].map((age, index): [string, Finding] => [
    `uid-pod/${run}/ports/${age}`,
    found[index] ?? { kind: "log", lines: [] }
  ])
  return { run, findings: new Map([...logs, ...looks]) }
})

const events = fc.subarray([
  warning("FailedMount", "timed out waiting for the condition"),
  warning("Unhealthy", "Startup probe failed: dial tcp: connect: connection refused"),
  warning("Unhealthy", "Startup probe failed: HTTP probe failed with statuscode: 404"),
  warning("Unhealthy", "Liveness probe failed: context deadline exceeded"),
  warning("FailedCreatePodSandBox", "failed to set up the sandbox: no address left")
])

/** What Knative says about a revision that may still become ready. */
const revisionConditions = fc.subarray([
  condition("ContainerHealthy", "False", "ExitCode1", "Container failed with: database isn't up yet"),
  condition("ResourcesAvailable", "False", "Unschedulable", "0/1 nodes are available: 1 Insufficient cpu."),
  condition("Ready", "False", "ExitCode1")
])
const quotaIsUsed = condition(
  "ResourcesAvailable",
  "False",
  "FailedCreate",
  'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2'
)
const unscheduled = condition("PodScheduled", "False", "Unschedulable", "0/1 nodes: 1 Insufficient memory.", 60)

const onePod = (run: number) =>
  fc
    .record({
      state: fc.oneof(endedState, runningState, waitingState),
      lastState: fc.oneof(fc.constant({}), endedState),
      hasPlace: fc.boolean(),
      age: seconds
    })
    .map(({ hasPlace, ...rest }) =>
      pod({ ...rest, restartCount: run, ...(hasPlace ? {} : { conditions: [unscheduled] }) })
    )

const probes = [
  {},
  { readinessProbe: { httpGet: { path: "/healthz", port: 8080 } } },
  { startupProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 2, failureThreshold: 3 } },
  { livenessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 2, failureThreshold: 2 } }
]

describe("moments of a start that succeeds in the end", () => {
  it("never end the deployment", () => {
    const moment = answers.chain(({ findings, run }) =>
      fc.record({
        findings: fc.constant(findings),
        pods: fc.array(onePod(run), { maxLength: 2 }),
        conditions: fc.oneof(revisionConditions, fc.constant([quotaIsUsed])),
        probe: fc.constantFrom(...probes),
        events,
        ready: fc.constantFrom("Unknown" as const, "False" as const)
      })
    )
    fc.assert(
      fc.property(moment, ({ conditions, events: seen, findings, pods, probe, ready }) => {
        const revisions = [knativeRevision(conditions, probe)]
        const service = knativeService({
          conditions: [
            condition("Ready", ready, "RevisionMissing"),
            condition("ConfigurationsReady", ready, "RevisionFailed", "", 60)
          ]
        })
        const verdict = diagnose(evidence({ service, revisions, pods, findings, events: seen }))
        const status = statusOf(name, service, revisions, pods, verdict)
        expect({ diagnosis: verdict.diagnosis, terminal: verdict.terminal }).toMatchObject({ terminal: false })
        expect(progressOf(deployed, status).state, JSON.stringify(verdict)).toBe("pending")
      }),
      { numRuns: 3_000 }
    )
  })
})
