import type { PodObject, RevisionObject } from "../cache/objects.ts"
import { type Cause, type Evidence, noVerdict, type Verdict } from "./Evidence.ts"
import { podCase } from "./PodCase.ts"
import { podCause } from "./podCause.ts"

/** The worst that is known of these pods: what is certain before what is not. */
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
        // Said once it can be said whole: a deployment that has failed is not looked at again.
        terminal: cause.terminal && (cause.wants ?? []).length === 0,
        degraded: false,
        logTail: cause.logTail ?? [],
        lookAgainAt: cause.lookAgainAt,
        wants: cause.wants ?? []
      }
