import { type DiagnosisCode, diagnosisOf } from "@maxcloud/sdk/api"
import type { Cause } from "./Evidence.ts"

type RefusalCode = Extract<
  DiagnosisCode,
  | "QuotaExceeded"
  | "LimitExceeded"
  | "PodSecurityRefused"
  | "RuntimeClassMissing"
  | "SecretMissing"
  | "NamespaceTerminating"
  | "AdmissionRefused"
>

const patterns: ReadonlyArray<readonly [RefusalCode, RegExp]> = [
  ["QuotaExceeded", /exceeded quota/i],
  ["LimitExceeded", /(maximum|minimum) \S+ usage per|max limit to request ratio/i],
  ["PodSecurityRefused", /violates PodSecurity/i],
  ["RuntimeClassMissing", /RuntimeClass "[^"]*" not found/i],
  ["NamespaceTerminating", /because it is being terminated/i]
]

export const refusalCodeOf = (message: string): RefusalCode =>
  patterns.find(([, pattern]) => pattern.test(message))?.[0] ?? "AdmissionRefused"

/** The quota plugin's message: `requested: requests.memory=1Gi, used: requests.memory=0, limited: requests.memory=512Mi`. */
const quota = /requested: (.*?), used: (.*?), limited: ([^\s;]*)/

const sentence = (code: RefusalCode, message: string): string => {
  // `pods "x" is forbidden: why`, or `admission webhook "x" denied the request: why`.
  const why = message.replace(/^.*? is forbidden: /s, "").trim()
  if (code === "QuotaExceeded") {
    const [, requested, used, limited] = quota.exec(message) ?? []
    return requested === undefined
      ? `another instance would exceed the quota: ${why}`
      : `another instance would exceed the quota: it needs ${requested}, ${used} are used, ${limited} are allowed`
  }
  if (code === "LimitExceeded") return `an instance requests more or less than the limits allow: ${why}`
  if (code === "PodSecurityRefused") return `Pod Security refuses the instance: ${why}`
  if (code === "RuntimeClassMissing") return `the cluster lacks the instance's runtime class: ${why}`
  return `the cluster refuses the instance: ${why}`
}

/**
 * The API server refused a pod or revision. Its reason may be temporary (an account created later, a quota released by others),
 * so it isn't final at once.
 */
export const refusalCause = (message: string, sinceMillis: number, now: number): Cause => {
  const code = refusalCodeOf(message)
  const passing = code === "QuotaExceeded" || code === "AdmissionRefused" || code === "NamespaceTerminating"
  const sureAt = sinceMillis + (passing ? 6_000 : 0)
  const certain = now >= sureAt && code !== "NamespaceTerminating"
  return {
    diagnosis: diagnosisOf(code, sentence(code, message), [message]),
    certain,
    // A webhook that has decided decides the same again; one that is unreachable hasn't, and an account may still be created.
    ...(code === "AdmissionRefused" ? { hopeless: /denied the request/.test(message) } : {}),
    lookAgainAt: certain ? undefined : sureAt
  }
}
