import { ContainerProbe } from "@maxcloud/synth"
import { Option, Schema } from "effect"
import type { ContainerStatus, EventObject, PodObject, RevisionObject } from "../cache/objects.ts"
import { queueProxy } from "../queueProxy.ts"
import type { Evidence } from "./Evidence.ts"

/** A period of 0 means Knative's own probing, several times a second. */
const readProbe = (probe: unknown): ContainerProbe | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(ContainerProbe)(probe))

/** One pod, with everything that concerns it. */
export interface PodCase {
  readonly now: number
  readonly pod: PodObject
  /** Its container other than Knative's own. */
  readonly container: ContainerStatus | undefined
  readonly containerName: string
  readonly image: string
  readonly memoryLimit: string | number | undefined
  readonly port: number
  readonly startup: ContainerProbe | undefined
  readonly readiness: ContainerProbe | undefined
  readonly liveness: ContainerProbe | undefined
  readonly events: ReadonlyArray<EventObject>
  readonly findings: Evidence["findings"]
  readonly awaySince: Evidence["awaySince"]
}

export const podCase = (
  pod: PodObject,
  revision: RevisionObject | undefined,
  { awaySince, eventsOf, findings, now }: Pick<Evidence, "awaySince" | "eventsOf" | "findings" | "now">
): PodCase => {
  const container = pod.status.containerStatuses.find((containerStatus) => containerStatus.name !== queueProxy)
  const ofPod = pod.spec.containers.find((container) => container.name !== queueProxy)
  const ofRevision =
    revision?.spec.containers.find((container) => container.ports.length > 0) ?? revision?.spec.containers[0]
  return {
    now,
    pod,
    container,
    containerName: container?.name ?? ofPod?.name ?? "user-container",
    image: ofPod?.image ?? ofRevision?.image ?? container?.image ?? "",
    memoryLimit: ofPod?.resources.limits["memory"],
    port: ofRevision?.ports[0]?.containerPort ?? 8080,
    startup: readProbe(ofRevision?.startupProbe),
    readiness: readProbe(ofRevision?.readinessProbe),
    liveness: readProbe(ofRevision?.livenessProbe),
    events: eventsOf("Pod", pod.metadata.name),
    findings,
    awaySince
  }
}

/** Key of a question about this run of the container. */
export const questionKey = ({ container, pod }: PodCase, question: string): string =>
  `${pod.metadata.uid}/${container?.restartCount ?? 0}/${question}`

export const conditionOf = (pod: PodObject, type: string) =>
  pod.status.conditions.find((condition) => condition.type === type)

export const isReady = (pod: PodObject): boolean => conditionOf(pod, "Ready")?.status === "True"

/** This pod can no longer serve: it is terminating, or has ended. */
export const isGone = (pod: PodObject): boolean =>
  pod.metadata.deletionTimestamp !== undefined || pod.status.phase === "Failed" || pod.status.phase === "Succeeded"

/** Epoch milliseconds of a Kubernetes time; NaN for an empty text. */
export const timeOf = (text: string): number => (text === "" ? Number.NaN : Date.parse(text))

/** Was this pod ready before? Then its condition changed after the pod started, not at the start. */
export const wasReady = (pod: PodObject): boolean => {
  const ready = conditionOf(pod, "Ready")
  if (ready === undefined) return false
  if (ready.status === "True") return true
  const began = timeOf(pod.status.startTime || pod.metadata.creationTimestamp)
  return timeOf(ready.lastTransitionTime) - began > 2_500
}

/** The last lines of a text, without empty ones. */
export const lastLines = (text: string, count = 20): ReadonlyArray<string> =>
  text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line !== "")
    .slice(-count)
