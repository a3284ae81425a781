import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { label, quantityOf } from "@maxcloud/synth"
import { Option, Schema, Stream } from "effect"
import type { InstanceRecord } from "../port/Runtime.ts"
import type { ClusterCache } from "./cache/ClusterCache.ts"
import type { PodObject } from "./cache/objects.ts"
import { queueProxy } from "./queueProxy.ts"

const decodeKey = Schema.decodeUnknownOption(
  Schema.Struct({
    organizationId: OrganizationId,
    organization: OrganizationName,
    stage: StageName,
    service: ServiceName,
    app: AppName
  })
)

const amountOf = (limit: string | number | undefined) => Option.getOrElse(quantityOf(limit ?? 0), () => 0)

const instant = (text: string): Date | undefined => {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : new Date(at)
}

/** The lifetime of a pod's program, as far as known. Undefined before it runs, and for pods without an organization. */
const recordOf = (
  pod: PodObject,
  organizationId: string | undefined,
  deleted: boolean
): Option.Option<InstanceRecord> => {
  const { labels, name, namespace, uid } = pod.metadata
  const key = decodeKey({
    organizationId,
    organization: labels[label.organization],
    stage: labels[label.stage],
    service: labels[label.service],
    app: labels[label.app]
  })
  const status = pod.status.containerStatuses.find((containerStatus) => containerStatus.name !== queueProxy)
  // A restarted container is still the same instance, so it started with the pod.
  const startedAt = instant(
    status?.restartCount === 0
      ? (status.state.running?.startedAt ?? status.state.terminated?.startedAt ?? "")
      : pod.status.startTime
  )
  if (Option.isNone(key) || startedAt === undefined) return Option.none()
  const limits = pod.spec.containers.find((container) => container.name !== queueProxy)?.resources.limits ?? {}
  const ended =
    pod.status.phase === "Failed" || pod.status.phase === "Succeeded"
      ? (instant(status?.state.terminated?.finishedAt ?? "") ?? new Date())
      : deleted
        ? new Date()
        : null
  return Option.some({
    uid,
    key: { ...key.value, namespace },
    revision: labels[label.revision] ?? "",
    instance: name,
    startedAt,
    endedAt: ended,
    cpuMilli: Math.round(amountOf(limits["cpu"]) * 1000),
    memoryBytes: amountOf(limits["memory"])
  })
}

/** Lifetimes of instances: those running now, and then as pods start and end. */
export const makeInstances = (cache: ClusterCache["Type"]): Stream.Stream<InstanceRecord> => {
  const known = new Map<string, PodObject>()
  const idOf = (namespace: string, name: string) => `${namespace}/${name}`
  const look = (pod: PodObject, deleted: boolean) =>
    recordOf(pod, cache.namespace(pod.metadata.namespace)?.labels[label.organizationId], deleted)

  const keep = (pod: PodObject) => {
    known.set(idOf(pod.metadata.namespace, pod.metadata.name), pod)
    return look(pod, false)
  }

  const first = Stream.fromEffect(cache.synced).pipe(
    Stream.flatMap(() => Stream.fromIterable([...cache.pods()])),
    Stream.filterMap(keep)
  )
  const later = cache.changes.pipe(
    Stream.filter((object) => object.kind === "pod"),
    Stream.filterMap(({ deleted, name, namespace, service }) => {
      if (deleted) {
        const pod = known.get(idOf(namespace, name))
        known.delete(idOf(namespace, name))
        return pod === undefined ? Option.none() : look(pod, true)
      }
      const pod =
        service === undefined
          ? undefined
          : cache.podsOf(namespace, service).find((object) => object.metadata.name === name)
      return pod === undefined ? Option.none() : keep(pod)
    })
  )
  return Stream.merge(first, later)
}
