import { maxSpecIssues, type PolicyFindings, policyCode, type SpecIssue, type Turns } from "@maxcloud/config-schema"
import { Either } from "effect"
import { type Answer, type CompiledPolicy, compilePolicy, type Facts } from "./compilePolicy.ts"
import { policyLimits } from "./policyLimits.ts"

/** A policy of an organization, as far as it judges. */
export interface JudgingPolicy {
  /** null for an expression that is tried, and not a policy yet. */
  readonly name: string | null
  readonly expression: string
  readonly message: string | null
  readonly enforcement: "refuse" | "warn"
}

const shownExpression = (expression: string) => (expression.length > 200 ? `${expression.slice(0, 197)}…` : expression)

const issueOf = (
  { expression, message, name }: JudgingPolicy,
  answer: Answer,
  path: SpecIssue["path"]
): ReadonlyArray<SpecIssue> => {
  if ("fault" in answer) {
    const fault = answer.fault.replace(/\.$/, "")
    if (name === null) return [{ path, message: `The expression can't be checked: ${fault}.`, code: policyCode }]
    const text = `The organization's policy "${name}" can't be checked: ${fault}. An owner can correct its expression, ${shownExpression(expression)}, with \`maxcloud policies set ${name}\`.`
    return [{ path, message: text, code: policyCode }]
  }
  const said = message ?? `This must be true, but isn't: ${shownExpression(expression)}`
  const text = name === null ? said : `Policy "${name}" of the organization: ${said}`
  return answer.kept ? [] : [{ path, message: text, code: policyCode }]
}

const issuesOf = (
  policy: JudgingPolicy,
  { field, perService }: CompiledPolicy,
  answers: ReadonlyArray<Answer>
): ReadonlyArray<SpecIssue> =>
  answers.flatMap((answer, index) => issueOf(policy, answer, perService ? ["services", index, ...field] : []))

/** The policies' findings, and the names of those that refuse. */
export interface PolicyVerdict extends PolicyFindings {
  readonly broken: ReadonlyArray<string>
}

/**
 * An organization's policies' findings in an app, one policy after another. One that can't be checked counts as
 * violated: making a policy fail must not be a way around it.
 */
export function* judgeApp(policies: ReadonlyArray<JudgingPolicy>, facts: Facts): Turns<PolicyVerdict> {
  const problems: Array<SpecIssue> = []
  const warnings: Array<SpecIssue> = []
  const broken: Array<string> = []
  let work: number = policyLimits.allWork
  for (const policy of policies) {
    yield
    const compiled = compilePolicy(policy.expression)
    const asked = Either.isLeft(compiled) ? undefined : compiled.right.ask(facts, work)
    work -= asked?.spent ?? 0
    const found = Either.isLeft(compiled)
      ? issueOf(policy, { fault: compiled.left }, [])
      : issuesOf(policy, compiled.right, asked?.answers ?? [])
    if (policy.enforcement === "warn") warnings.push(...found)
    else problems.push(...found)
    if (policy.enforcement === "refuse" && found.length > 0 && policy.name !== null) broken.push(policy.name)
  }
  return { problems: problems.slice(0, maxSpecIssues), warnings: warnings.slice(0, maxSpecIssues), broken }
}
