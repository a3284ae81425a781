import type { PodObject, RevisionObject } from "../cache/objects.ts"
import { type Cause, type Evidence, noVerdict, type Verdict } from "./Evidence.ts"
import { podCase } from "./PodCase.ts"
import { podCause } from "./podCause.ts"

/** The worst known cause among these pods: certain causes come before uncertain ones. */
export const worstOf = (
  evidence: Evidence,
  revision: RevisionObject,
  pods: ReadonlyArray<PodObject>
): Cause | undefined => {
  const causes = pods
    .flatMap((pod) => podCause(podCase(pod, revision, evidence)) ?? [])
    .map((cause) => ({ ...cause, wants: (cause.wants ?? []).filter((each) => !evidence.findings.has(each.key)) }))
  return causes.find((cause) => cause.terminal) ?? causes[0]
}

export const verdictOf = (cause: Cause | undefined): Verdict =>
  cause === undefined
    ? noVerdict
    : {
        diagnosis: cause.quiet === true ? null : cause.diagnosis,
        // Reported once it is complete: a failed deployment isn't checked again.
        terminal: cause.terminal && (cause.wants ?? []).length === 0,
        degraded: false,
        logTail: cause.logTail ?? [],
        lookAgainAt: cause.lookAgainAt,
        wants: cause.wants ?? []
      }
