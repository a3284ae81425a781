import { Either, Predicate } from "effect"
import { quoted } from "../bounds.ts"
import { nearest } from "../nearest.ts"
import { maxSpecIssues, type SpecIssue } from "../specIssues.ts"
import type { PolicyAnswer, WrittenPolicy } from "./authoring.ts"
import { type Check, keptPolicies } from "./kept.ts"
import { type PolicyApp, writtenField } from "./PolicyApp.ts"

/** The maximum number of policies in a config. */
export const maxPolicies = 100

/** A parsed policy of a config. `check` is undefined for the config's own policies, which run in its thread. */
export interface Policy {
  readonly name: string
  /** Whether it only warns. */
  readonly warns: boolean
  /** Its path in the config's `policies`. */
  readonly index: number
  readonly check: Check | undefined
}

/** The findings of policies in an app. `problems` refuse a deploy, `warnings` don't. */
export interface PolicyFindings {
  readonly problems: ReadonlyArray<SpecIssue>
  readonly warnings: ReadonlyArray<SpecIssue>
}

export const noFindings: PolicyFindings = { problems: [], warnings: [] }

/** The code of policies' findings. */
export const policyCode = "policy"

type Path = SpecIssue["path"]

const shown = (value: unknown) => (JSON.stringify(value) ?? "nothing").slice(0, 60)

const names = Object.keys(keptPolicies)

const unknownPolicy = (name: string, path: Path): SpecIssue => {
  const meant = nearest(name, names)
  const fix = meant === undefined ? `Use one of ${names.join(", ")}.` : `Did you mean "${meant}"?`
  return { path, message: `Unknown policy ${quoted(name)}. ${fix}` }
}

interface Parsed {
  readonly name: string
  readonly warns: boolean
  readonly check: Check
}

/** Parses `noLatest`, `{ maxMemory: "1Gi" }`, or one of both in `{ warn: … }`. */
const parsePolicy = (written: unknown, path: Path, warns = false): Either.Either<Parsed, ReadonlyArray<SpecIssue>> => {
  if (typeof written === "string") {
    const found = Object.hasOwn(keptPolicies, written) ? keptPolicies[written] : undefined
    if (found === undefined) return Either.left([unknownPolicy(written, path)])
    if (found.check !== undefined) return Either.right({ name: written, warns, check: found.check })
    return Either.left([{ path, message: `The policy ${written} needs a value, such as ${found.example}.` }])
  }
  const [entry, ...others] = Predicate.isReadonlyRecord(written) ? Object.entries(written) : []
  if (entry === undefined || others.length > 0) {
    return Either.left([
      {
        path,
        message: `A policy must be a name, such as noLatest, or have a value, such as { maxMemory: 1Gi }. This is ${shown(written)}.`
      }
    ])
  }
  const [name, value] = entry
  if (name === "warn") {
    return warns
      ? Either.left([{ path, message: "This warns already. Remove the inner `warn`." }])
      : parsePolicy(value, [...path, name], true)
  }
  const found = Object.hasOwn(keptPolicies, name) ? keptPolicies[name] : undefined
  if (found === undefined) return Either.left([unknownPolicy(name, [...path, name])])
  if (found.value === undefined) {
    return Either.left([{ path: [...path, name], message: `The policy ${name} takes no value. Use ${found.example}.` }])
  }
  return Either.mapBoth(found.value.decode(value), {
    onLeft: (issues) => issues.map((issue) => ({ ...issue, path: [...path, name, ...issue.path] })),
    onRight: (check) => ({ name, warns, check })
  })
}

/** The policies of a config; left, all mistakes in their notation. */
export const parsePolicies = (
  written: ReadonlyArray<WrittenPolicy>
): Either.Either<ReadonlyArray<Policy>, ReadonlyArray<SpecIssue>> => {
  if (written.length > maxPolicies) {
    const message = `The list of policies has ${written.length} items. It can have up to ${maxPolicies}: remove some.`
    return Either.left([{ path: ["policies"], message }])
  }
  const issues: Array<SpecIssue> = []
  const policies = written.flatMap((each): ReadonlyArray<Policy> => {
    const { index } = each
    if ("own" in each) return [{ ...each.own, index, check: undefined }]
    const parsed = parsePolicy(each.written, ["policies", index])
    if (Either.isRight(parsed)) return [{ ...parsed.right, index }]
    issues.push(...parsed.left)
    return []
  })
  return issues.length === 0 ? Either.right(policies) : Either.left(issues)
}

/** The policies in YAML and JSON: a list, or nothing. */
export const parsePolicyList = (
  written: unknown
): Either.Either<ReadonlyArray<WrittenPolicy>, ReadonlyArray<SpecIssue>> => {
  if (written === undefined) return Either.right([])
  return Array.isArray(written)
    ? Either.right(written.map((each: unknown, index) => ({ index, written: each })))
    : Either.left([{ path: ["policies"], message: `Expected a list such as [noLatest], got ${shown(written)}.` }])
}

const said = ({ name }: Policy, message: string) => `${name}: ${message}`

/** A policy's finding, and whether the policy itself failed. */
interface Said {
  readonly issue: SpecIssue
  readonly isBroken: boolean
}

const saidByOwn = (app: PolicyApp, policy: Policy, answer: PolicyAnswer): ReadonlyArray<Said> => {
  const path = ["policies", policy.index]
  const broken = (message: string): Said => ({
    issue: { path, message: `The policy ${quoted(policy.name)} ${message}`, code: policyCode },
    isBroken: true
  })
  if ("fault" in answer) return [broken(answer.fault)]
  return answer.problems.map(({ field = [], message, service }) => {
    const index = service === undefined ? undefined : app.services.findIndex((each) => each.name === service)
    if (index === -1) {
      return broken(
        `names the service ${quoted(service ?? "")}, which the app doesn't have. Use a name of app.services.`
      )
    }
    const place = index === undefined ? [] : ["services", index]
    const issue = { path: [...place, ...writtenField(field)], message: said(policy, message), code: policyCode }
    return { issue, isBroken: false }
  })
}

const saidBy = (app: PolicyApp, policy: Policy, answer: PolicyAnswer | undefined): ReadonlyArray<Said> => {
  if (policy.check === undefined) return answer === undefined ? [] : saidByOwn(app, policy, answer)
  return policy.check(app).map(({ field, message, service }) => ({
    issue: { path: ["services", service, ...field], message: said(policy, message), code: policyCode },
    isBroken: false
  }))
}

/** The policies' findings. `answers` are those of the config's own policies, in order. A policy that fails always refuses. */
export const judge = (
  app: PolicyApp,
  policies: ReadonlyArray<Policy>,
  answers: ReadonlyArray<PolicyAnswer>
): PolicyFindings => {
  const waiting = [...answers]
  const all = policies.flatMap((policy) =>
    saidBy(app, policy, policy.check === undefined ? waiting.shift() : undefined).map(({ isBroken, issue }) => ({
      issue,
      warns: policy.warns && !isBroken
    }))
  )
  const some = (warns: boolean) =>
    all.flatMap((each) => (each.warns === warns ? [each.issue] : [])).slice(0, maxSpecIssues)
  return { problems: some(false), warnings: some(true) }
}
