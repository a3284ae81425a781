import { label } from "@maxcloud/synth"
import { Schema } from "effect"
import {
  type EventObject,
  EventObject as EventSchema,
  KnativeServiceObject,
  type KubeCondition,
  PodObject,
  RevisionObject
} from "../../src/runtimes/kubernetes/cache/objects.ts"
import type { Evidence } from "../../src/runtimes/kubernetes/diagnosis/Evidence.ts"

/** Objects as the cluster returns them, for tests. `now` is the reference time of all tests. */
export const now = Date.parse("2026-01-01T12:00:00Z")

/** Seconds before `now`, as Kubernetes writes it. */
export const ago = (seconds: number): string => new Date(now - seconds * 1000).toISOString()

export const condition = (
  type: string,
  status: KubeCondition["status"],
  reason = "",
  message = "",
  seconds = 30
): KubeCondition => ({ type, status, reason, message, lastTransitionTime: ago(seconds) })

interface ServiceInput {
  readonly conditions?: ReadonlyArray<KubeCondition>
  readonly generation?: number
  readonly observed?: number
  readonly created?: string
  readonly ready?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly url?: string
  readonly managedFields?: ReadonlyArray<unknown>
  /** The revision that receives all requests. */
  readonly traffic?: string
}

export const knativeService = ({
  annotations = {},
  conditions = [],
  created = "web-00001",
  generation = 1,
  labels = {},
  managedFields = [],
  observed = generation,
  ready = "",
  traffic = ready,
  url = "https://web--acme.example.com"
}: ServiceInput = {}) =>
  Schema.decodeUnknownSync(KnativeServiceObject)({
    metadata: { name: "web", namespace: "acme", generation, annotations, labels, managedFields },
    status: {
      observedGeneration: observed,
      conditions,
      latestCreatedRevisionName: created,
      latestReadyRevisionName: ready,
      url,
      address: { url: "http://web.acme.svc.cluster.local" },
      traffic: traffic === "" ? [] : [{ revisionName: traffic, percent: 100, latestRevision: true }]
    }
  })

export const knativeRevision = (
  conditions: ReadonlyArray<KubeCondition> = [],
  container: Readonly<Record<string, unknown>> = {},
  name = "web-00001"
) =>
  Schema.decodeUnknownSync(RevisionObject)({
    metadata: { name, namespace: "acme", uid: `uid-${name}`, generation: 1, creationTimestamp: ago(60) },
    spec: {
      containers: [
        { name: "user-container", image: "ghcr.io/acme/web:1", ports: [{ containerPort: 8080 }], ...container }
      ]
    },
    status: { observedGeneration: 1, conditions }
  })

interface PodInput {
  readonly state?: Readonly<Record<string, unknown>>
  readonly lastState?: Readonly<Record<string, unknown>>
  readonly restartCount?: number
  readonly ready?: boolean
  readonly conditions?: ReadonlyArray<KubeCondition>
  readonly age?: number
  readonly pullSecret?: string
  readonly limits?: Readonly<Record<string, string>>
  readonly requests?: Readonly<Record<string, string>>
  readonly status?: Readonly<Record<string, unknown>>
}

export const pod = ({
  age = 20,
  conditions,
  lastState = {},
  limits = { memory: "512Mi" },
  pullSecret,
  ready = false,
  requests = {},
  restartCount = 0,
  state = {},
  status = {}
}: PodInput = {}) =>
  Schema.decodeUnknownSync(PodObject)({
    metadata: {
      name: "web-00001-deployment-a-b",
      namespace: "acme",
      uid: "uid-pod",
      creationTimestamp: ago(age),
      labels: { [label.revision]: "web-00001" }
    },
    spec: {
      ...(pullSecret === undefined ? {} : { imagePullSecrets: [{ name: pullSecret }] }),
      containers: [
        { name: "user-container", image: "ghcr.io/acme/web:1", resources: { limits, requests } },
        { name: "queue-proxy", image: "queue", resources: { requests: { cpu: "25m", memory: "52Mi" } } }
      ]
    },
    status: {
      phase: "Running",
      startTime: ago(age),
      conditions: conditions ?? [condition("Ready", ready ? "True" : "False", "", "", age)],
      containerStatuses: [
        { name: "queue-proxy", ready, state: { running: { startedAt: ago(age) } } },
        { name: "user-container", ready, restartCount, state, lastState }
      ],
      ...status
    }
  })

export const warning = (
  reason: string,
  message: string,
  kind = "Pod",
  name = "web-00001-deployment-a-b"
): EventObject =>
  Schema.decodeUnknownSync(EventSchema)({
    metadata: { name: "event", namespace: "acme" },
    involvedObject: { kind, name },
    type: "Warning",
    reason,
    message,
    lastTimestamp: ago(1)
  })

export const evidence = (input: Partial<Evidence> & { readonly events?: ReadonlyArray<EventObject> }): Evidence => ({
  now,
  service: knativeService({ conditions: [condition("Ready", "Unknown")] }),
  revisions: [knativeRevision([condition("Ready", "Unknown", "Deploying")])],
  pods: [],
  eventsOf: (kind, name) =>
    (input.events ?? []).filter((each) => each.involvedObject.kind === kind && each.involvedObject.name === name),
  findings: new Map(),
  awaySince: () => 0,
  ...input
})
