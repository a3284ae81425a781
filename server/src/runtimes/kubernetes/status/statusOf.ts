import type { ServiceName } from "@maxcloud/config-schema"
import type { ServiceState, TrafficTarget } from "@maxcloud/sdk/api"
import { label, readMarks } from "@maxcloud/synth"
import type { KnativeCondition, RuntimeRevision } from "../../port/conditions.ts"
import type { ServiceStatus } from "../../port/Runtime.ts"
import { isHeld } from "../apply/traffic.ts"
import type { KnativeServiceObject, KubeCondition, PodObject, RevisionObject } from "../cache/objects.ts"
import { noVerdict, type Verdict } from "../diagnosis/Evidence.ts"
import { isGone, isReady } from "../diagnosis/PodCase.ts"
import { knativeText } from "./knativeText.ts"

/** Did `maxcloud pause` stop it? */
const isPaused = ({ metadata }: KnativeServiceObject): boolean => readMarks(metadata).paused

/**
 * Has Knative processed the service's current version? If not, nothing in its status counts ("Rule 0"). Visibility is a label and
 * creates no new generation: it is processed when the service's URL is cluster-local, or isn't, as requested.
 */
export const isCurrent = (service: KnativeServiceObject): boolean =>
  service.status.observedGeneration === service.metadata.generation && isExposedAsAsked(service)

const isExposedAsAsked = (service: KnativeServiceObject): boolean => {
  const { address, url } = service.status
  return url === "" || address.url === "" || (hostOf(url) === hostOf(address.url)) === isInternal(service)
}

const hostOf = (url: string) => url.replace(/^https?:\/\//, "")

/** Has its newest revision failed and become ready too late, so that its requests stay where they were? */
const isLate = ({ metadata, status }: KnativeServiceObject) =>
  isHeld(metadata) && status.latestCreatedRevisionName === status.latestReadyRevisionName

const nullable = (text: string): string | null => (text === "" ? null : text)

const find = (conditions: ReadonlyArray<KubeCondition>, type: string) =>
  conditions.find((condition) => condition.type === type)

/** A service's status by Knative's rules: they depend on type, status and reason together, never on a reason alone. Total. */
export const statusOf = (
  name: ServiceName,
  service: KnativeServiceObject,
  revisions: ReadonlyArray<RevisionObject>,
  pods: ReadonlyArray<PodObject>,
  found: Verdict
): ServiceStatus => {
  const { metadata, status } = service
  // A revision without requests has no instances, and is healthy.
  const verdict = isLate(service) ? noVerdict : found
  const newest = revisions.find((revision) => revision.metadata.name === status.latestCreatedRevisionName)
  const instances = pods.filter((pod) => isReady(pod) && !isGone(pod)).length
  const current = isCurrent(service)
  return {
    service: name,
    generation: metadata.generation,
    observedGeneration: status.observedGeneration,
    state: stateOf(service, newest, pods, verdict),
    conditions: conditionsOf(service, newest, verdict),
    latestCreatedRevision: nullable(status.latestCreatedRevisionName),
    latestReadyRevision: nullable(status.latestReadyRevisionName),
    traffic: trafficOf(service),
    instances,
    url: isInternal(service) || !isExposedAsAsked(service) ? null : nullable(status.url),
    logTail: verdict.logTail,
    diagnosis: current ? verdict.diagnosis : null,
    terminal: current && verdict.terminal,
    ...(current && verdict.expired === true ? { expired: true } : {}),
    ...(isHeld(metadata) ? { held: true } : {})
  }
}

const isInternal = ({ metadata }: KnativeServiceObject) => readMarks(metadata).internal

const stateOf = (
  service: KnativeServiceObject,
  newest: RevisionObject | undefined,
  pods: ReadonlyArray<PodObject>,
  verdict: Verdict
): ServiceState => {
  const { metadata, status } = service
  if (metadata.deletionTimestamp !== undefined) return "deleting"
  if (isPaused(service)) return "paused"
  if (!isCurrent(service)) return "pending"
  if (verdict.terminal) return "failed"
  if (verdict.degraded) return "degraded"
  if (isLate(service)) return "failed"
  // While its requests are pinned, its route says nothing about the newest revision.
  const ready = find(status.conditions, isHeld(metadata) ? "ConfigurationsReady" : "Ready")
  if (ready?.status === "False") {
    // Knative says False at the first crash or full node, and True once it is over.
    const isKnown = verdict.diagnosis !== null || verdict.lookAgainAt !== undefined || verdict.wants.length > 0
    return isKnown || lacksRoom(newest) ? "pending" : "failed"
  }
  if (ready?.status !== "True" || status.latestCreatedRevisionName !== status.latestReadyRevisionName) return "pending"
  if (pods.some((pod) => isReady(pod) && !isGone(pod))) return "ready"
  const active = newest === undefined ? undefined : find(newest.status.conditions, "Active")
  if (active?.status === "False") return active.reason === "NoTraffic" ? "idle" : "degraded"
  return "waking"
}

/** Knative keeps reporting this for a while after the revision's instances have found a place. */
const lacksRoom = (revision: RevisionObject | undefined) =>
  revision !== undefined && find(revision.status.conditions, "ResourcesAvailable")?.reason === "Unschedulable"

const ofService = ["Ready", "ConfigurationsReady", "RoutesReady"]
const ofRevision = ["ContainerHealthy", "ResourcesAvailable", "Active"]

const told = (condition: KubeCondition): KubeCondition => ({ ...condition, message: knativeText(condition) })

const conditionsOf = (
  service: KnativeServiceObject,
  newest: RevisionObject | undefined,
  { degraded, diagnosis }: Verdict
): ReadonlyArray<KnativeCondition> => {
  const { conditions } = service.status
  const current = isCurrent(service)
  const stale: Pick<KnativeCondition, "status" | "reason" | "message"> = {
    status: "Unknown",
    reason: "OutOfDate",
    message: "Knative hasn't processed the newest change yet."
  }
  const own = ofService
    .flatMap((type) => find(conditions, type) ?? [])
    .map((value) => (current ? told(value) : { ...value, ...stale }))
  const shown = current && newest !== undefined && isOf(newest) ? newest.status.conditions : []
  const wakes: ReadonlyArray<KnativeCondition> =
    current && degraded && diagnosis?.code === "WakeFailed"
      ? [
          {
            type: "Wakes",
            status: "False",
            reason: "WakeFailed",
            message: diagnosis.message,
            lastTransitionTime: find(shown, "Active")?.lastTransitionTime ?? ""
          }
        ]
      : []
  return [...own, ...ofRevision.flatMap((type) => find(shown, type) ?? []).map(told), ...wakes]
}

/** The same rule applies to a revision's conditions. */
const isOf = ({ metadata, status }: RevisionObject) => status.observedGeneration === metadata.generation

/** Shares of the requests, one entry per revision, without tags that get no requests. */
const trafficOf = ({ status }: KnativeServiceObject): ReadonlyArray<TrafficTarget> => {
  const shares = new Map<string, number>()
  for (const { percent, revisionName } of status.traffic) {
    if (percent > 0 && revisionName !== "") shares.set(revisionName, (shares.get(revisionName) ?? 0) + percent)
  }
  return [...shares].map(([revision, percent]) => ({ revision, percent }))
}

/** A service's revisions, newest first. */
export const revisionsOf = (
  name: ServiceName,
  service: KnativeServiceObject | undefined,
  revisions: ReadonlyArray<RevisionObject>,
  pods: ReadonlyArray<PodObject>
): ReadonlyArray<RuntimeRevision> => {
  const traffic = new Map(service === undefined ? [] : trafficOf(service).map((each) => [each.revision, each.percent]))
  return revisions
    .filter((revision) => revision.metadata.deletionTimestamp === undefined)
    .map((revision) => revisionOf(name, revision, pods, traffic))
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.name.localeCompare(a.name))
}

/** By digest if Knative has resolved it. */
const imageOf = ({ spec, status }: RevisionObject) => {
  const [container] = spec.containers
  const resolved = status.containerStatuses.find(({ name }) => name === container?.name)?.imageDigest ?? ""
  return resolved === "" ? (container?.image ?? "") : resolved
}

const revisionOf = (
  service: ServiceName,
  revision: RevisionObject,
  pods: ReadonlyArray<PodObject>,
  traffic: ReadonlyMap<string, number>
): RuntimeRevision => {
  const { metadata } = revision
  const ready = isOf(revision) ? find(revision.status.conditions, "Ready") : undefined
  return {
    name: metadata.name,
    service,
    ready: ready?.status ?? "Unknown",
    reason: ready?.reason ?? "",
    message: ready?.message ?? "",
    image: imageOf(revision),
    instances: pods.filter(
      (pod) => pod.metadata.labels[label.revision] === metadata.name && isReady(pod) && !isGone(pod)
    ).length,
    trafficPercent: traffic.get(metadata.name) ?? 0,
    createdAt: metadata.creationTimestamp
  }
}
