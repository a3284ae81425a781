import { diagnosisOf } from "@maxcloud/sdk/api"
import { startDiagnosis } from "../../diagnosis/startDiagnosis.ts"
import { crashCause } from "./crashCause.ts"
import { type Cause, type Want, waitingSince } from "./Evidence.ts"
import { imageCause } from "./imageCause.ts"
import { listenCause } from "./listenCause.ts"
import { conditionOf, isReady, type PodCase, timeOf } from "./PodCase.ts"
import { roomText } from "./room.ts"

/** Why a pod doesn't serve; undefined if nothing is known to be wrong (yet). */
export const podCause = (podCase: PodCase): Cause | undefined => {
  const { pod } = podCase
  if (pod.status.reason === "Evicted") {
    return {
      diagnosis: diagnosisOf("Evicted", `the node removed the instance: ${pod.status.message}`, [pod.status.message]),
      certain: false
    }
  }
  if (isReady(pod)) return undefined
  return unscheduled(podCase) ?? notMade(podCase) ?? crashCause(podCase) ?? notMounted(podCase) ?? listenCause(podCase)
}

/** How long to wait for free capacity, in milliseconds: exiting instances release theirs, and a new node may join. */
const schedulerPatience = 12_000

const lacking: Readonly<Record<string, string>> = {
  memory: "memory",
  cpu: "CPU",
  "ephemeral-storage": "local disk",
  pods: "room for instances"
}

const unscheduled = (podCase: PodCase): Cause | undefined => {
  const { findings, now, pod } = podCase
  const scheduled = conditionOf(pod, "PodScheduled")
  if (scheduled?.status !== "False") return undefined
  const { message, reason } = scheduled
  const lacks = [...message.matchAll(/Insufficient ([\w./-]*\w)/g)].map(([, what]) => lacking[what ?? ""] ?? what)
  if (/Too many pods/.test(message)) lacks.push("room for instances")
  const room: Want = { kind: "room", key: `${pod.metadata.uid}/room`, namespace: pod.metadata.namespace }
  const text = roomText(pod, findings.get(room.key))
  const sentence =
    lacks.length === 0
      ? `no node of the cluster accepts the instance: ${message}`
      : `no node of the cluster has enough free ${[...new Set(lacks)].join(" and ")}: ${text}`
  const sureAt = waitingSince(podCase, timeOf(scheduled.lastTransitionTime) || now) + schedulerPatience
  return {
    diagnosis: diagnosisOf("Unschedulable", sentence, [`PodScheduled False, ${reason}: ${message}`]),
    certain: now >= sureAt,
    wants: lacks.length === 0 ? [] : [room],
    lookAgainAt: now >= sureAt ? undefined : sureAt
  }
}

const pullReasons = new Set([
  "ErrImagePull",
  "ImagePullBackOff",
  "InvalidImageName",
  "ErrImageNeverPull",
  "RegistryUnavailable"
])
const makeReasons = new Set([
  "CreateContainerConfigError",
  "CreateContainerError",
  "RunContainerError",
  "PreCreateHookError",
  "StartError"
])

/** A container that waits for its image, or can't be created. */
const notMade = (podCase: PodCase): Cause | undefined => {
  const { container, events, image, now, pod } = podCase
  const waiting = container?.state.waiting
  if (waiting === undefined) return undefined
  if (pullReasons.has(waiting.reason)) {
    // Kubelets before Kubernetes 1.31 report only the back-off.
    const told = events.findLast(
      (event) => event.reason === "Failed" && event.message.startsWith("Failed to pull image")
    )
    const message = /^Back-off pulling image "[^"]*"$/.test(waiting.message)
      ? (told?.message ?? waiting.message)
      : waiting.message
    return imageCause(image, waiting.reason === "InvalidImageName" ? `InvalidImageName: ${message}` : message, {
      now,
      since: waitingSince(podCase, timeOf(pod.metadata.creationTimestamp)),
      withCredentials: pod.spec.imagePullSecrets.length > 0
    })
  }
  if (makeReasons.has(waiting.reason)) {
    const evidence = `${waiting.reason}: ${waiting.message}`
    const known = startDiagnosis(waiting.message)
    const sureAt = waitingSince(podCase, timeOf(pod.metadata.creationTimestamp)) + 15_000
    return known === undefined
      ? {
          diagnosis: diagnosisOf("CrashOnStart", `the container couldn't be created: ${waiting.message}`, [evidence]),
          // An unknown failure may be temporary.
          certain: now >= sureAt,
          lookAgainAt: sureAt
        }
      : { diagnosis: { ...known, evidence: [evidence] }, certain: true }
  }
  return undefined
}

/**
 * Mounting is retried, and early failures are often temporary (a token of a pod that the kubelet is only learning of). In
 * milliseconds.
 */
const mountPatience = { said: 5_000, sure: 12_000 }

const notMounted = (podCase: PodCase): Cause | undefined => {
  const { container, events, now, pod } = podCase
  if (container?.state.running !== undefined) return undefined
  const createdAt = waitingSince(podCase, timeOf(pod.metadata.creationTimestamp))
  const sandbox = events.findLast((event) => event.reason === "FailedCreatePodSandBox")
  const failed = events.findLast((event) => event.reason === "FailedMount" || event.reason === "FailedAttachVolume")
  const message = sandbox?.message ?? failed?.message
  if (message === undefined) return undefined
  const known = startDiagnosis(message)
  if (failed === undefined && known === undefined) return undefined
  const quiet = now < createdAt + mountPatience.said
  const certain = now >= createdAt + mountPatience.sure
  const lookAgainAt = createdAt + (quiet ? mountPatience.said : mountPatience.sure)
  return {
    diagnosis:
      known?.code === "SecretMissing" || sandbox !== undefined
        ? (known ?? diagnosisOf("VolumeFailed", message, [message]))
        : diagnosisOf("VolumeFailed", `a volume of the instance couldn't be mounted: ${message}`, [message]),
    certain,
    quiet,
    lookAgainAt: certain ? undefined : lookAgainAt
  }
}
