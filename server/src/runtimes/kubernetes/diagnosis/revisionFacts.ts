import { label } from "@maxcloud/synth"
import type { KubeCondition, PodObject, RevisionObject } from "../cache/objects.ts"
import type { Cause, Evidence } from "./Evidence.ts"
import { timeOf } from "./PodCase.ts"
import { refusalCause } from "./refusalCause.ts"

export const condition = (conditions: ReadonlyArray<KubeCondition>, type: string): KubeCondition | undefined =>
  conditions.find((condition) => condition.type === type)

export const podsOfRevision = (pods: ReadonlyArray<PodObject>, revision: string): ReadonlyArray<PodObject> =>
  pods.filter((pod) => pod.metadata.labels[label.revision] === revision)

/** No pod can be created, according to Knative, which repeats the Deployment's message. */
export const refusalOf = ({ now }: Evidence, revision: RevisionObject): Cause | undefined => {
  const available = condition(revision.status.conditions, "ResourcesAvailable")
  return available?.status === "False" && available.reason === "FailedCreate"
    ? refusalCause(available.message, timeOf(available.lastTransitionTime) || now, now)
    : undefined
}
