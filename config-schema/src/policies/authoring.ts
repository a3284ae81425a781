import type { CpuQuantity, MemoryQuantity } from "../authoring.ts"
import { misuse } from "../misuse.ts"
import type { PolicyApp } from "./PolicyApp.ts"

const described = Symbol.for("maxcloud.dev/policy")

/** A rule that an app must follow, for the `policies` of a config. */
export interface Policy {
  readonly name: string
  readonly [described]: { readonly warns: boolean } & ({ readonly written: unknown } | { readonly check: PolicyCheck })
}

/** A finding of your own policy. */
export interface PolicyProblem {
  /** The problem and its fix. */
  readonly message: string
  /** The service's name. */
  readonly service?: string | undefined
  /** The field in the service, such as `scale.max`, or in the app, so that the message has its line. Use a list if a name contains a dot. */
  readonly field?: string | ReadonlyArray<string | number> | undefined
}

type LeftOut = false | null | undefined
type Problems = string | PolicyProblem | LeftOut | ReadonlyArray<string | PolicyProblem | LeftOut>

/** Checks an app. Returns its problems, or nothing. */
export type PolicyCheck = (app: PolicyApp) => Problems | Promise<Problems>

const keptAs = (name: string, value?: unknown): Policy => ({
  name,
  [described]: { warns: false, written: value === undefined ? name : { [name]: value } }
})

/** Each image has a tag other than `latest`, or a digest, so that a deploy runs the version that you tested. */
export const noLatest: Policy = keptAs("noLatest")

/** Each image is named by its digest (`@sha256:…`), so that nobody can replace what a tag means. */
export const pinnedDigests: Policy = keptAs("pinnedDigests")

/** Images come only from these registries, or parts of them such as `ghcr.io/acme`. */
export const allowedRegistries = (...registries: ReadonlyArray<string>): Policy =>
  keptAs("allowedRegistries", registries)

/** No service has more memory per instance than this. */
export const maxMemory = (most: MemoryQuantity): Policy => keptAs("maxMemory", most)

/** No service has more vCPU per instance than this. */
export const maxCpu = (most: CpuQuantity): Policy => keptAs("maxCpu", most)

/** No service may have more instances than this at its peak. */
export const maxInstances = (most: number): Policy => keptAs("maxInstances", most)

/** Each service has a readiness probe with a path, so that it gets no request before it can answer. */
export const requireReadiness: Policy = keptAs("requireReadiness")

/** Each service has these labels, such as `team` and `cost-center`. */
export const requireLabels = (...labels: ReadonlyArray<string>): Policy => keptAs("requireLabels", labels)

/** Every service is internal, except those named here. */
export const noPublic = (...except: ReadonlyArray<string>): Policy => keptAs("noPublic", except)

/** No service may connect to the whole internet, except those named here: `egress` names ranges, or is `none`. */
export const noOpenEgress = (...except: ReadonlyArray<string>): Policy => keptAs("noOpenEgress", except)

/** No password, token or key is in plain text in `env`, `command` or `args`. */
export const noPlainSecrets: Policy = keptAs("noPlainSecrets")

/**
 * A policy of your own: a function of the app that returns its problems.
 *
 * ```ts
 * const fewServices = policy("few-services", (app) => app.services.length > 5 && "Split the app: it has more than 5 services.")
 * ```
 */
export const policy = (name: string, check: PolicyCheck): Policy => {
  if (typeof name !== "string" || !/^[A-Za-z][A-Za-z0-9 ._-]{0,59}$/.test(name)) {
    throw misuse(
      'A policy needs a name of up to 60 letters, digits and "-": write policy("no-debug", (app) => …)',
      policy
    )
  }
  if (typeof check !== "function") {
    throw misuse(`policy("${name}") needs a function: write policy("${name}", (app) => …)`, policy)
  }
  return { name, [described]: { warns: false, check } }
}

const isPolicy = (value: unknown): value is Policy => typeof value === "object" && value !== null && described in value

/** The same policy, but its findings are warnings and don't refuse a deploy. */
export const warn = (policy: Policy): Policy => {
  if (!isPolicy(policy)) throw misuse("warn needs a policy: write warn(noLatest)", warn)
  return { ...policy, [described]: { ...policy[described], warns: true } }
}

/** A policy of a config, in the message from the config's thread. `index` is its position in `policies`. */
export type WrittenPolicy = { readonly index: number } & (
  | { readonly written: unknown }
  | { readonly own: { readonly name: string; readonly warns: boolean } }
)

/** The answer of one of the config's own policies. */
export type PolicyAnswer = { readonly problems: ReadonlyArray<PolicyProblem> } | { readonly fault: string }

/** Runs the config's own policies one after another. Calls `begin` before each. */
export type AskOwn = (app: PolicyApp, begin?: (place: number) => void) => Promise<ReadonlyArray<PolicyAnswer>>

const isLeftOut = (value: unknown): value is LeftOut => value === false || value === null || value === undefined

const isText = (value: unknown): value is string => typeof value === "string"

const isField = (value: unknown): value is PolicyProblem["field"] =>
  value === undefined ||
  isText(value) ||
  (Array.isArray(value) && value.every((part) => isText(part) || Number.isInteger(part)))

const problemOf = (value: unknown): PolicyProblem | undefined => {
  if (isText(value)) return { message: value.slice(0, 2_000) }
  if (typeof value !== "object" || value === null || !("message" in value) || !isText(value.message)) return undefined
  const service = "service" in value ? value.service : undefined
  const field = "field" in value ? value.field : undefined
  if ((service !== undefined && !isText(service)) || !isField(field)) return undefined
  return { message: value.message.slice(0, 2_000), service, field: Array.isArray(field) ? [...field] : field }
}

const shown = (value: unknown): string => {
  if (typeof value === "function") return "a function"
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60)
  } catch {
    return "something that can't be shown"
  }
}

const answerOf = (answer: unknown): PolicyAnswer => {
  const all: ReadonlyArray<unknown> = (Array.isArray(answer) ? answer : [answer]).filter((each) => !isLeftOut(each))
  const problems = all.map(problemOf)
  const odd = problems.indexOf(undefined)
  return odd === -1
    ? { problems: problems.flatMap((each) => each ?? []).slice(0, 100) }
    : {
        fault: `returned ${shown(all[odd])}. Return texts, objects such as { service, field, message }, or nothing.`
      }
}

const frozen = <A>(value: A): A => {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) frozen(part)
  }
  return value
}

const saidBy = (error: unknown): string => {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  } catch {
    return "something that can't be shown"
  }
}

/** The policies of a list with their positions, and a function that runs the config's own. */
export const policiesOf = (
  list: unknown,
  from: Parameters<typeof misuse>[1]
): { readonly policies: ReadonlyArray<WrittenPolicy>; readonly ask: AskOwn } => {
  if (list !== undefined && !Array.isArray(list)) throw misuse("policies must be a list: policies: [noLatest]", from)
  const given: ReadonlyArray<unknown> = list ?? []
  const checks: Array<PolicyCheck> = []
  const policies = given.flatMap((each, index): ReadonlyArray<WrittenPolicy> => {
    if (isLeftOut(each)) return []
    if (!isPolicy(each)) {
      const called = typeof each === "function" ? ': call it, as in maxMemory("1Gi")' : ""
      throw misuse(
        `policies[${index}] isn't a policy${called || ': write noLatest, or policy("name", (app) => …)'}`,
        from
      )
    }
    const policy = each[described]
    if ("written" in policy) return [{ index, written: policy.warns ? { warn: policy.written } : policy.written }]
    checks.push(policy.check)
    return [{ index, own: { name: each.name, warns: policy.warns } }]
  })
  const ask: AskOwn = async (app, begin) => {
    const answers: Array<PolicyAnswer> = []
    for (const [place, check] of checks.entries()) {
      begin?.(place)
      try {
        answers.push(answerOf(await check(frozen(app))))
      } catch (error) {
        answers.push({ fault: `threw ${saidBy(error).slice(0, 500)}. Fix the function.` })
      }
    }
    return answers
  }
  return { policies, ask }
}
