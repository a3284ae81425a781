import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { startDiagnosis } from "../../diagnosis/startDiagnosis.ts"
import type { KubeCondition, RevisionObject } from "../cache/objects.ts"
import { type Cause, type Evidence, noVerdict, type Verdict, waitingSince } from "./Evidence.ts"
import { expiredIn } from "./expiry.ts"
import { isHopeless } from "./hopeless.ts"
import { imageCause } from "./imageCause.ts"
import { isGone, isReady, timeOf } from "./PodCase.ts"
import { refusalCause } from "./refusalCause.ts"
import { condition, givenUp, podsOfRevision, refusalOf } from "./revisionFacts.ts"
import { unwell } from "./unwell.ts"
import { verdictOf, worstOf } from "./worstOf.ts"

/**
 * Why a service doesn't serve as it should, from all evidence. Pure: the result says what else to ask and when to look again.
 * Gives no verdict about a generation that Knative hasn't processed yet.
 */
export const diagnose = (evidence: Evidence): Verdict => {
  const { service, revisions } = evidence
  const { status } = service
  if (service.metadata.deletionTimestamp !== undefined) return noVerdict
  if (status.observedGeneration !== service.metadata.generation) return noVerdict
  // Knative has processed the service but not its configuration: the newest revision belongs to the previous change.
  const configurations = condition(status.conditions, "ConfigurationsReady")
  if (configurations?.status === "Unknown" && configurations.reason === "OutOfDate") return noVerdict
  const newest = revisions.find((revision) => revision.metadata.name === status.latestCreatedRevisionName)
  if (newest !== undefined && status.latestCreatedRevisionName === status.latestReadyRevisionName) {
    const ready = condition(status.conditions, "Ready")
    const sick = unwell(evidence, newest)
    if (sick !== undefined) return sick
    return ready?.status === "True" ? noVerdict : verdictOf(routeCause(evidence, newest))
  }
  const expired = newest === undefined ? undefined : expiredIn(evidence, newest)
  if (expired !== undefined) return expired
  return verdictOf(revisionCause(evidence, newest) ?? serviceCause(evidence))
}

/** Why the newest revision isn't ready. */
const revisionCause = (evidence: Evidence, newest: RevisionObject | undefined): Cause | undefined => {
  if (newest === undefined) return undefined
  const { conditions } = newest.status
  const missing = condition(conditions, "ContainerHealthy")
  if (missing?.status === "False" && missing.reason === "ContainerMissing") {
    const image = newest.spec.containers[0]?.image ?? ""
    const since = timeOf(missing.lastTransitionTime)
    return imageCause(image, missing.message, { now: evidence.now, since, withCredentials: false })
  }
  const pods = podsOfRevision(evidence.pods, newest.metadata.name)
  const alive = pods.filter((pod) => !isGone(pod))
  const refused = alive.length === 0 ? refusalOf(evidence, newest) : undefined
  if (refused !== undefined) return refused
  const cause = alive.some(isReady) ? undefined : worstOf(evidence, newest, alive)
  return cause !== undefined && isHopeless(cause) ? cause : (overdue(newest, cause) ?? cause)
}

/** Knative's verdict once it has given up the revision, with the pods' last findings or Knative's own message. */
const overdue = ({ metadata, status }: RevisionObject, cause: Cause | undefined): Cause | undefined => {
  const available = givenUp(status)
  const healthy = condition(status.conditions, "ContainerHealthy")
  if (available !== undefined) {
    if (cause !== undefined && cause.quiet !== true)
      return { ...cause, certain: true, hopeless: true, lookAgainAt: undefined, wants: [] }
    return {
      diagnosis: ofCondition(healthy) ?? lastResort(`revision ${metadata.name} didn't become ready in time`, available),
      certain: true,
      hopeless: true
    }
  }
  if (cause === undefined && healthy?.status === "False") {
    const diagnosis = ofCondition(healthy)
    return diagnosis === undefined ? undefined : { diagnosis, certain: true }
  }
  return undefined
}

/** `ContainerHealthy=False`, reason `ExitCode<N>` (Knative, `revision_lifecycle.go`). */
const ofCondition = (healthy: KubeCondition | undefined): Diagnosis | undefined => {
  const exitCode = /^ExitCode(\d+)$/.exec(healthy?.reason ?? "")?.[1]
  if (healthy === undefined || healthy.status !== "False" || exitCode === undefined) return undefined
  const message = healthy.message.replace(/^Container failed with: /, "").trim()
  const told = [`ContainerHealthy False, ${healthy.reason}: ${message}`]
  return exitCode === "0"
    ? diagnosisOf("ExitedOnStart", "the program ended without an error, but a service must keep running", told)
    : ((exitCode === "128" ? startDiagnosis(message) : undefined) ??
        diagnosisOf("CrashOnStart", `the program ended with exit code ${exitCode}`, told))
}

const lastResort = (sentence: string, { message, reason, status, type }: KubeCondition): Diagnosis =>
  diagnosisOf("ProgressDeadlineExceeded", message === "" ? sentence : `${sentence}: ${message}`, [
    `${type} ${status}, ${reason}: ${message}`
  ])

/**
 * How long a refusal by Knative must last before we believe it, in milliseconds: it may be temporary, as kn's `--wait-window`
 * assumes.
 */
const window = 3_000

/** Knative's own reason at the service, used if no revision says more. */
const serviceCause = (evidence: Evidence): Cause | undefined => {
  const { now, revisions, service } = evidence
  const configurations = condition(service.status.conditions, "ConfigurationsReady")
  if (configurations?.status !== "False") return undefined
  const since = waitingSince(evidence, timeOf(configurations.lastTransitionTime) || now)
  const refused = /Revision creation failed with message: (.*)$/s.exec(configurations.message)?.[1]
  if (refused !== undefined) return refusalCause(refused, since + window, now)
  const sureAt = since + window
  const wait = { certain: now >= sureAt, lookAgainAt: now >= sureAt ? undefined : sureAt }
  // The watch hasn't reported the revision named in the status yet.
  const { latestCreatedRevisionName } = service.status
  if (
    latestCreatedRevisionName !== "" &&
    !revisions.some((revision) => revision.metadata.name === latestCreatedRevisionName)
  ) {
    return undefined
  }
  if (configurations.reason === "NotOwned") return { diagnosis: taken(configurations), ...wait }
  return { diagnosis: lastResort("the newest revision failed", configurations), ...wait }
}

const taken = ({ message, reason, type }: KubeCondition): Diagnosis =>
  diagnosisOf("NameTaken", `an object that Knative needs belongs to another owner: ${message}`, [
    `${type} False, ${reason}: ${message}`
  ])

const notOurs = new Set(["NotOwned", "RevisionNotOwned", "RevisionNameTaken"])

/** How long the ingress may take before it is mentioned, and before it is given up, in milliseconds. */
const ingressPatience = { mentioned: 15_000, givenUp: 120_000 }

/** The revision is ready, but the route to it isn't. */
const routeCause = (evidence: Evidence, newest: RevisionObject): Cause | undefined => {
  const { now, service } = evidence
  const routes = condition(service.status.conditions, "RoutesReady")
  if (routes === undefined || routes.status === "True" || routes.reason === "RolloutInProgress") return undefined
  // Before the revision was ready, there was nothing to route to.
  const ready = condition(newest.status.conditions, "Ready")
  const readyAt = ready?.status === "True" ? timeOf(ready.lastTransitionTime) || 0 : 0
  const since = waitingSince(evidence, Math.max(timeOf(routes.lastTransitionTime) || now, readyAt))
  if (routes.status === "False" && notOurs.has(routes.reason)) {
    const sureAt = since + window
    return { diagnosis: taken(routes), certain: now >= sureAt, lookAgainAt: now >= sureAt ? undefined : sureAt }
  }
  const givenUpAt = since + ingressPatience.givenUp
  const mentionedAt = since + (routes.status === "False" ? window : ingressPatience.mentioned)
  if (now < mentionedAt) return { ...unsaid, lookAgainAt: mentionedAt }
  return {
    diagnosis: diagnosisOf(
      "IngressNotReady",
      `the ingress hasn't applied the service's route${routes.message === "" ? "" : `: ${routes.message}`}`,
      [`RoutesReady ${routes.status}, ${routes.reason}: ${routes.message}`]
    ),
    certain: now >= givenUpAt,
    hopeless: true,
    lookAgainAt: now >= givenUpAt ? undefined : givenUpAt
  }
}

const unsaid: Cause = {
  diagnosis: diagnosisOf("IngressNotReady", "the ingress hasn't applied the service's route yet"),
  certain: false,
  quiet: true
}
