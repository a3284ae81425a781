import { label } from "@maxcloud/synth"
import type { KubeCondition, PodObject, RevisionObject } from "../cache/objects.ts"
import { type Cause, type Evidence, waitingSince } from "./Evidence.ts"
import { timeOf } from "./PodCase.ts"
import { refusalCause } from "./refusalCause.ts"

export const condition = (conditions: ReadonlyArray<KubeCondition>, type: string): KubeCondition | undefined =>
  conditions.find((condition) => condition.type === type)

const finalReasons = new Set(["ProgressDeadlineExceeded", "ImagePullBackOff", "ErrImagePull", "CrashLoopBackOff"])

/** Knative's condition by which it has given the revision up: its progress deadline has passed. */
export const givenUp = ({ conditions }: RevisionObject["status"]): KubeCondition | undefined => {
  const available = condition(conditions, "ResourcesAvailable")
  return available?.status === "False" && finalReasons.has(available.reason) ? available : undefined
}

export const podsOfRevision = (pods: ReadonlyArray<PodObject>, revision: string): ReadonlyArray<PodObject> =>
  pods.filter((pod) => pod.metadata.labels[label.revision] === revision)

/** No pod can be created, according to Knative, which repeats the Deployment's message. */
export const refusalOf = (evidence: Evidence, revision: RevisionObject): Cause | undefined => {
  const { now } = evidence
  const available = condition(revision.status.conditions, "ResourcesAvailable")
  return available?.status === "False" && available.reason === "FailedCreate"
    ? refusalCause(available.message, waitingSince(evidence, timeOf(available.lastTransitionTime) || now), now)
    : undefined
}
