import type { Happening } from "../../port/Happening.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { ContainerStatus, PodObject } from "../cache/objects.ts"
import { queueProxy } from "../queueProxy.ts"

type Eviction = Extract<Happening, { readonly type: "instance.evicted" }>["facts"]["reason"]

/** Reasons of the condition `DisruptionTarget` (Kubernetes, "Pod disruption conditions"). */
const evictions: ReadonlyMap<string, Eviction> = new Map([
  ["PreemptionByScheduler", "Preempted"],
  ["DeletionByTaintManager", "NodeTainted"],
  ["EvictionByEvictionAPI", "NodeDrained"],
  ["DeletionByPodGC", "NodeLost"],
  ["TerminationByKubelet", "NodePressure"]
])

const instant = (text: string): Date | undefined => {
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : new Date(at)
}

const restartOf = ({ lastState, restartCount }: ContainerStatus) => {
  const ended = lastState.terminated
  const at = instant(ended?.finishedAt ?? "")
  if (restartCount === 0 || ended === undefined || at === undefined) return undefined
  const reason = ended.reason === "OOMKilled" ? "OutOfMemory" : ended.exitCode === 0 ? "Exited" : "Failed"
  return { at, reason, exitCode: ended.exitCode } as const
}

const evictionOf = ({ status }: PodObject) => {
  const condition = status.conditions.find(({ type }) => type === "DisruptionTarget")
  const reason = condition?.status === "True" ? evictions.get(condition.reason) : undefined
  const at = instant(condition?.lastTransitionTime ?? "")
  return reason === undefined || at === undefined ? undefined : { at, reason }
}

/** What has happened to a pod, as its status says. A pod says the same each time it changes: the ids stay the same. */
export const podHappenings = (pod: PodObject, key: ServiceKey, revision: string): ReadonlyArray<Happening> => {
  const { name: instance, uid } = pod.metadata
  const own = pod.status.containerStatuses.find(({ name }) => name !== queueProxy)
  const restart = own === undefined ? undefined : restartOf(own)
  const eviction = evictionOf(pod)
  return [
    ...(restart === undefined
      ? []
      : [
          {
            type: "instance.restarted" as const,
            key,
            id: `${uid}/restart/${own?.restartCount ?? 0}`,
            at: restart.at,
            facts: { revision, instance, reason: restart.reason, exitCode: restart.exitCode }
          }
        ]),
    ...(eviction === undefined
      ? []
      : [
          {
            type: "instance.evicted" as const,
            key,
            id: `${uid}/evicted`,
            at: eviction.at,
            facts: { revision, instance, reason: eviction.reason }
          }
        ])
  ]
}
