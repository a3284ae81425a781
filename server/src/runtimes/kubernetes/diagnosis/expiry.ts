import { TemplateAnnotations } from "@maxcloud/synth"
import { Option, Schema } from "effect"
import type { RevisionObject } from "../cache/objects.ts"
import { type Evidence, noVerdict, type Verdict } from "./Evidence.ts"
import { isGone, isReady, timeOf } from "./PodCase.ts"
import { givenUp, podsOfRevision } from "./revisionFacts.ts"
import { verdictOf, worstOf } from "./worstOf.ts"

const readAnnotations = Schema.decodeUnknownOption(TemplateAnnotations)

/** Knative's own default. */
const defaultDeadlineMs = 600_000

/** How long the revision may take to become ready. */
const deadlineMsOf = ({ metadata }: RevisionObject): number =>
  Option.match(readAnnotations(metadata.annotations), {
    onNone: () => defaultDeadlineMs,
    onSome: (read) => read.progressDeadlineMs
  })

/**
 * Has Knative given up a revision only because of an outage? Its deadline runs on while nothing in the cluster makes progress that
 * the API server would learn of. The revision still has the time that the outage took: with an instance left, it may become ready,
 * and without one, it needs a successor. Undefined if Knative hasn't given it up, or rightly.
 */
export const expiredIn = (evidence: Evidence, newest: RevisionObject): Verdict | undefined => {
  if (givenUp(newest.status) === undefined) return undefined
  const createdAt = timeOf(newest.metadata.creationTimestamp)
  const awayMs = evidence.awaySince(createdAt)
  const overAt = createdAt + awayMs + deadlineMsOf(newest)
  if (awayMs === 0 || !(evidence.now < overAt)) return undefined
  const alive = podsOfRevision(evidence.pods, newest.metadata.name).filter((pod) => !isGone(pod))
  if (alive.length === 0) return { ...noVerdict, expired: true, lookAgainAt: overAt }
  const found = alive.some(isReady) ? noVerdict : verdictOf(worstOf(evidence, newest, alive))
  return { ...found, lookAgainAt: Math.min(found.lookAgainAt ?? overAt, overAt) }
}
