import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { afterReady } from "../../diagnosis/endDiagnosis.ts"
import type { PodObject, RevisionObject } from "../cache/objects.ts"
import { crashCause } from "./crashCause.ts"
import { type Cause, type Evidence, noVerdict, type Verdict, waitingSince } from "./Evidence.ts"
import { isGone, isReady, podCase, timeOf, wasReady } from "./PodCase.ts"
import { spokenOtherwise } from "./protocolCause.ts"
import { refusalCause } from "./refusalCause.ts"
import { condition, podsOfRevision, refusalOf } from "./revisionFacts.ts"
import { isSettled, verdictOf, worstOf } from "./worstOf.ts"

/**
 * Is a previously ready revision unable to serve now? None of this shows in Knative's own Ready (knative/serving#11717).
 * Undefined if nothing is known to be wrong.
 */
export const unwell = (evidence: Evidence, revision: RevisionObject): Verdict | undefined => {
  const pods = podsOfRevision(evidence.pods, revision.metadata.name).filter(
    (object) => object.metadata.deletionTimestamp === undefined
  )
  const alive = pods.filter((pod) => !isGone(pod))
  if (alive.some(isReady)) return restarting(evidence, revision, alive) ?? spokenOtherwise(evidence, revision, alive)
  const active = condition(revision.status.conditions, "Active")
  const cause = worstOf(evidence, revision, alive)
  const verdict = { ...verdictOf(cause), terminal: false }
  if (cause !== undefined && isSettled(cause)) {
    return degraded(cause, alive.some(wasReady) ? afterReady(cause.diagnosis) : wakeFailed(cause.diagnosis))
  }
  if (active?.status === "False" && active.reason === "TimedOut") {
    const seen = diagnosisOf("WakeFailed", active.message, [`Active False, TimedOut: ${active.message}`])
    return { ...verdict, diagnosis: wakeFailed(cause?.diagnosis ?? seen), degraded: true }
  }
  // A start in progress isn't a fault yet.
  if (cause !== undefined) return { ...verdict, diagnosis: null }
  if (active?.reason === "NoTraffic") return undefined
  const evicted = pods.filter((pod) => pod.status.reason === "Evicted")
  return notCreated(evidence, revision) ?? degradedBy(worstOf(evidence, revision, evicted))
}

const degraded = (cause: Cause, diagnosis: Diagnosis): Verdict => ({
  ...verdictOf(cause),
  diagnosis,
  degraded: true,
  terminal: false
})

const degradedBy = (cause: Cause | undefined): Verdict | undefined =>
  cause === undefined ? undefined : degraded(cause, cause.diagnosis)

/** How long a wanted instance may be missing before we ask why, in milliseconds. */
const creationPatience = 3_000

/** Instances are wanted, but a quota or admission prevents them. */
const notCreated = (evidence: Evidence, revision: RevisionObject): Verdict | undefined => {
  const { findings, now } = evidence
  const known = refusalOf(evidence, revision)
  if (known !== undefined) {
    return known.certain ? degraded(known, wakeFailed(known.diagnosis)) : { ...verdictOf(known), diagnosis: null }
  }
  const active = condition(revision.status.conditions, "Active")
  if (active === undefined || active.status === "True") return undefined
  const since = waitingSince(evidence, timeOf(active.lastTransitionTime) || now)
  if (now < since + creationPatience) return { ...noVerdict, lookAgainAt: since + creationPatience }
  const key = `${revision.metadata.uid}/creation/${since}`
  const found = findings.get(key)
  if (found === undefined) {
    const { name, namespace } = revision.metadata
    return { ...noVerdict, wants: [{ kind: "creation", key, namespace, revision: name }] }
  }
  if (found.kind !== "creation" || found.message === undefined) return undefined
  const refused = refusalCause(found.message, since, now)
  return refused.certain ? degraded(refused, wakeFailed(refused.diagnosis)) : { ...verdictOf(refused), diagnosis: null }
}

const wakeFailed = (inner: Diagnosis): Diagnosis =>
  inner.code === "WakeFailed"
    ? diagnosisOf("WakeFailed", `no instance became ready for a request: ${inner.message}`, inner.evidence)
    : diagnosisOf(
        "WakeFailed",
        `couldn't start an instance: ${inner.message}`,
        [`cause: ${inner.code}`, ...inner.evidence],
        inner.fix
      )

/** A recent exit, within this many milliseconds, is still reported even if an instance is ready again. */
const recently = 120_000

/** It serves, but its instances restart repeatedly. */
const restarting = (
  evidence: Evidence,
  revision: RevisionObject,
  alive: ReadonlyArray<PodObject>
): Verdict | undefined => {
  const ready = condition(revision.status.conditions, "Ready")
  const readySince = timeOf(ready?.status === "True" ? ready.lastTransitionTime : "")
  for (const pod of alive) {
    const one = podCase(pod, revision, evidence)
    const endedAt = timeOf(one.container?.lastState.terminated?.finishedAt ?? "")
    // It exited while its start was still tried, for example until its database was up, and has started since.
    if (endedAt <= readySince) continue
    if ((one.container?.restartCount ?? 0) < 2 || !(evidence.now - endedAt < recently)) continue
    const cause = crashCause(one)
    if (cause?.certain === true) {
      const unanswered = (cause.wants ?? []).filter((each) => !evidence.findings.has(each.key))
      return degraded({ ...cause, wants: unanswered, lookAgainAt: endedAt + recently }, afterReady(cause.diagnosis))
    }
  }
  return undefined
}
