import {
  type AppSpec,
  judge,
  parsePolicies,
  policyAppOf,
  type SpecIssue,
  type StageName
} from "@maxcloud/config-schema"
import type { PolicyAnswer, WrittenPolicy } from "@maxcloud/config-schema/authoring"
import { Either } from "effect"
import type { ProblemError } from "../api/index.ts"
import { parseEvaluated } from "../input/parse.ts"
import { inSpec } from "../pointers.ts"

/** The findings of a config's policies in its app. */
export interface ConfigFindings {
  readonly problems: ReadonlyArray<ProblemError>
  readonly warnings: ReadonlyArray<ProblemError>
}

/** An evaluated config with its policies. */
export interface EvaluatedApp {
  readonly spec: unknown
  /** Mistakes that the spec doesn't show. */
  readonly issues: ReadonlyArray<SpecIssue>
  readonly policies: ReadonlyArray<WrittenPolicy>
}

/** The app and its policies; left, all mistakes in either. */
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
    /** The app for the config's own policies; undefined if it has none. */
    asked: kept.right.some((policy) => policy.check === undefined) ? app : undefined,
    findings: (answers: ReadonlyArray<PolicyAnswer>): ConfigFindings => {
      const { problems, warnings } = judge(app, kept.right, answers)
      return { problems: inSpec(problems), warnings: inSpec(warnings) }
    }
  })
}
