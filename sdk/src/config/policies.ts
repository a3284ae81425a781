import {
  type AppSpec,
  judge,
  type PolicyFindings,
  parsePolicies,
  policyAppOf,
  type SpecIssue,
  type StageName
} from "@maxcloud/config-schema"
import type { PolicyAnswer, WrittenPolicy } from "@maxcloud/config-schema/authoring"
import { Either } from "effect"
import { parseEvaluated } from "../input/parse.ts"

/** A config that was evaluated, with its policies. */
export interface EvaluatedApp {
  readonly spec: unknown
  /** Mistakes that the spec can't show. */
  readonly issues: ReadonlyArray<SpecIssue>
  readonly policies: ReadonlyArray<WrittenPolicy>
}

/** The app and its policies; on the left everything that is wrong with either. */
export const parseJudged = ({ policies, ...evaluated }: EvaluatedApp, stage: StageName) => {
  const parsed = parseEvaluated(evaluated)
  const kept = parsePolicies(policies)
  if (Either.isLeft(parsed) || Either.isLeft(kept)) {
    return Either.left([...(Either.isLeft(parsed) ? parsed.left : []), ...(Either.isLeft(kept) ? kept.left : [])])
  }
  const spec: AppSpec = parsed.right
  const app = policyAppOf(spec, stage)
  return Either.right({
    spec,
    /** What the config's own policies look at; undefined: it has none. */
    asked: kept.right.some((policy) => policy.check === undefined) ? app : undefined,
    findings: (answers: ReadonlyArray<PolicyAnswer>): PolicyFindings => judge(app, kept.right, answers)
  })
}
