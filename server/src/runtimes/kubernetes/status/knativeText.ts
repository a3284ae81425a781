import type { KubeCondition } from "../cache/objects.ts"

/** What Knative's reasons mean, for its conditions that aren't true. */
const texts: ReadonlyMap<string, string> = new Map([
  ["CertificateNotReady", "Its certificate isn't ready yet."],
  ["ConfigurationMissing", "Its configuration doesn't exist."],
  ["Deploying", "The new revision is being started."],
  ["IngressNotConfigured", "The ingress hasn't taken the route yet."],
  ["NoTraffic", "It is scaled to zero. The next request starts an instance."],
  ["NotOwned", "An object of this name belongs to another owner."],
  ["OutOfDate", "The cluster hasn't processed the newest change yet."],
  ["Queued", "Requests wait while an instance starts."],
  ["ResolvingDigests", "The image's tag is being resolved to a digest."],
  ["RevisionMissing", "It waits for its first revision to become ready."],
  ["RevisionNameTaken", "A revision of this name already exists."],
  ["RevisionNotOwned", "A revision of this name belongs to another owner."],
  ["RolloutInProgress", "Requests are moving to the new revision."],
  ["TimedOut", "No instance became ready in time when a request came."],
  ["TrafficNotMigrated", "Requests haven't moved to the new revision yet."],
  ["Uninitialized", "The ingress hasn't reported the route's status yet."]
])

const longest = 500

/** Our text about one of Knative's conditions. A reason without one is quoted. */
export const knativeText = ({
  message,
  reason,
  status
}: Pick<KubeCondition, "message" | "reason" | "status">): string => {
  if (message === "" || status === "True") return message
  return texts.get(reason) ?? `Knative says: ${JSON.stringify(message.slice(0, longest))}`
}
