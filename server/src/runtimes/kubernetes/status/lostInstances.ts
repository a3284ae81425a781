import type { MetadataObject, PodObject } from "../cache/objects.ts"
import { isGone, isReady, timeOf } from "../diagnosis/PodCase.ts"

type Metadata = Pick<MetadataObject["metadata"], "deletionTimestamp" | "deletionGracePeriodSeconds">

/** When somebody asked to delete the object, in epoch milliseconds. Kubernetes rounds it down to seconds. */
const deletedAt = ({ deletionGracePeriodSeconds = 0, deletionTimestamp }: Metadata): number =>
  timeOf(deletionTimestamp ?? "") - deletionGracePeriodSeconds * 1_000

/**
 * The instances that a service would have if its namespace weren't being deleted: Kubernetes deletes pods before everything else
 * (KEP-5080), so the service outlives them. Undefined if nobody deletes the namespace.
 */
export const instancesBefore = (
  namespace: Metadata | undefined,
  pods: ReadonlyArray<PodObject>
): number | undefined => {
  if (namespace?.deletionTimestamp === undefined) return undefined
  const from = deletedAt(namespace)
  // A terminating pod isn't ready for long, but it was until somebody deleted it.
  const left = pods.filter(({ metadata }) => metadata.deletionTimestamp !== undefined && deletedAt(metadata) >= from)
  return left.length + pods.filter((pod) => isReady(pod) && !isGone(pod)).length
}
