import type { Diagnosis } from "@maxcloud/sdk/api"
import type { PodObject, RevisionObject } from "../cache/objects.ts"
import { type Cause, type Evidence, noVerdict, type Verdict } from "./Evidence.ts"
import { isHopeless } from "./hopeless.ts"
import { podCase } from "./PodCase.ts"
import { podCause } from "./podCause.ts"

/** The worst known cause among these pods: one that waiting won't mend, then one that is certain. */
export const worstOf = (
  evidence: Evidence,
  revision: RevisionObject,
  pods: ReadonlyArray<PodObject>
): Cause | undefined => {
  const causes = pods
    .flatMap((pod) => podCause(podCase(pod, revision, evidence)) ?? [])
    .map((cause) => ({ ...cause, wants: (cause.wants ?? []).filter((each) => !evidence.findings.has(each.key)) }))
  return causes.find(isHopeless) ?? causes.find((cause) => cause.certain) ?? causes[0]
}

/** Is it certain, and complete? A failed deployment isn't checked again. */
export const isSettled = ({ certain, wants = [] }: Cause): boolean => certain && wants.length === 0

const shown = (cause: Cause): Diagnosis | null => {
  if (cause.quiet === true) return null
  return isSettled(cause) ? { ...cause.diagnosis, certain: true } : cause.diagnosis
}

export const verdictOf = (cause: Cause | undefined): Verdict =>
  cause === undefined
    ? noVerdict
    : {
        diagnosis: shown(cause),
        terminal: isSettled(cause) && isHopeless(cause),
        degraded: false,
        logTail: cause.logTail ?? [],
        lookAgainAt: cause.lookAgainAt,
        wants: cause.wants ?? []
      }
