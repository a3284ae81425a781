import { objectKinds } from "@maxcloud/config-schema"
import { type Diagnosis, type DiagnosisCode, diagnosisOf } from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import type { KubeError } from "../../kubeApi/KubeApi.ts"
import { RuntimeError } from "../../port/Runtime.ts"
import { isUnauthorizedVerb, type Requests } from "./binding.ts"

/** An object as messages name it: `NetworkPolicy "shop/api"`. */
export interface Named {
  readonly kind: string
  readonly namespace?: string | undefined
  readonly name: string
}

export const nameOf = ({ kind, name, namespace }: Named) =>
  `${kind} "${namespace === undefined || namespace === "" ? name : `${namespace}/${name}`}"`

export interface Refusal {
  readonly reason: RuntimeError["reason"]
  readonly diagnosis: Diagnosis
}

const refused = (code: DiagnosisCode, message: string, evidence: ReadonlyArray<string>): Refusal => ({
  reason: "refused",
  diagnosis: diagnosisOf(code, message, evidence)
})

/** `admission webhook "<name>" denied the request: <reason>` (k8s.io/apiserver, admission/plugin/webhook/errors). */
const denied = /^.*?admission webhook "([^"]+)" denied the request(?: without explanation|: )?([\s\S]*)$/
/** `failed calling webhook "<name>": …` (same place). */
const uncalled = /failed calling webhook "([^"]+)":? ?([\s\S]*)$/
/** The wording of LimitRanger and the quota (k8s.io/apiserver, plugin/pkg/admission). */
const limit =
  /\b(?:maximum|minimum) [\w./-]+ usage per (?:Container|Pod)|max limit to request ratio per (?:Container|Pod)|must specify (?:limits|requests)/
const quota = /exceeded quota:|failed quota:|insufficient quota/

/** Knative's webhook calls its own trial of a pod a dry run. The reader didn't ask for one, so leave that out. */
const words = (message: string) => message.replace(/\bdry run failed with /, "")

/** `conflict with "kubectl-edit" using v1: .spec.x`: the manager, as the cause's message quotes it. */
const managerIn = (message: string) => /conflict with "((?:[^"\\]|\\.)*)"/.exec(message)?.[1] ?? "another manager"

const conflict = (error: KubeError, object: Named): Refusal | undefined => {
  const causes = error.causes.filter((cause) => cause.reason === "FieldManagerConflict")
  if (causes.length === 0) return undefined
  const held = causes.map((cause) => `${cause.field.replace(/^\./, "")} is held by "${managerIn(cause.message)}"`)
  const more = held.length > 3 ? ` and ${held.length - 3} more` : ""
  return refused("FieldConflict", `${nameOf(object)}: ${held.slice(0, 3).join("; ")}${more}`, held)
}

/** Translates the API server's answer to a write of this object. */
export const refusalOf = (error: KubeError, object: Named): Refusal => {
  const message = error.message.replace(/ \([A-Z]+ \/\S*\)$/, "")
  const evidence = [message]
  const name = nameOf(object)
  const notCalled = uncalled.exec(message)
  if (notCalled !== null) {
    return {
      reason: "unavailable",
      diagnosis: diagnosisOf(
        "AdmissionRefused",
        `${name}: the admission webhook "${notCalled[1]}" is unreachable: ${notCalled[2]}`,
        evidence
      )
    }
  }
  if (
    error.causes.some((cause) => cause.reason === "NamespaceTerminating") ||
    /because it is being terminated/.test(message)
  ) {
    return {
      reason: "unavailable",
      diagnosis: diagnosisOf(
        "NamespaceTerminating",
        `${name}: its namespace is terminating. It will be created again once that is gone`,
        evidence
      )
    }
  }
  const held = conflict(error, object)
  if (held !== undefined) return held
  if (/violates PodSecurity/.test(message)) return refused("PodSecurityRefused", `${name}: ${words(message)}`, evidence)
  if (quota.test(message)) return refused("QuotaExceeded", `${name}: ${words(message)}`, evidence)
  if (limit.test(message)) return refused("LimitExceeded", `${name}: ${words(message)}`, evidence)
  if (/RuntimeClass "[^"]*" not found|runtimeclass(?:es)?\.node\.k8s\.io "[^"]*" not found/i.test(message)) {
    return refused("RuntimeClassMissing", `${name}: ${words(message)}`, evidence)
  }
  const denial = denied.exec(message)
  if (denial !== null) {
    const said = denial[2] === undefined || denial[2].trim() === "" ? "it gave no reason" : words(denial[2])
    return refused("AdmissionRefused", `${name}: the admission webhook "${denial[1]}" says: ${said}`, evidence)
  }
  if (error.reason === "conflict") {
    return {
      reason: "unavailable",
      diagnosis: diagnosisOf("FieldConflict", `${name} changed in the meantime: ${message}`, evidence)
    }
  }
  return refused("AdmissionRefused", `${name}: ${message}`, evidence)
}

/** The server itself lacks this permission. Rights to an app's own objects come from the operator's rules. */
export const lackedRight = (error: KubeError, object: Named): string => {
  const isOfApps = objectKinds.some((kind) => kind === object.kind)
  const fix = isOfApps
    ? "Run `maxcloud cluster install --manifests …` with the server's MAXCLOUD_MANIFESTS."
    : "Run `maxcloud cluster install`."
  return `${nameOf(object)}: the server lacks a permission in the cluster. ${fix} ${error.message}`
}

const gone = new Set<KubeError["reason"]>(["unreachable", "tooMany"])

/**
 * The API server gave no verdict, so this says nothing about the object. A webhook that can't be called is answered 500, but that
 * is a verdict.
 */
export const isUnreachable = (error: KubeError) => gone.has(error.reason) && !uncalled.test(error.message)

/** The message while the API server is unreachable. `since` stays the same for all messages of one outage. */
export const unreachableError = (since: Date, evidence: string, cause?: KubeError): RuntimeError => {
  const message = `The cluster has been unreachable since ${since.toISOString()}. Retrying.`
  const diagnosis = diagnosisOf("ClusterUnreachable", message, [evidence])
  return new RuntimeError({ reason: "unavailable", message, diagnosis, cause, away: true })
}

/** The same for a read, which isn't repeated. */
export const unreachableRead = (since: Date): RuntimeError =>
  new RuntimeError({
    reason: "unavailable",
    message: `The cluster has been unreachable since ${since.toISOString()}.`,
    away: true
  })

/** Converts a `KubeError` to a `RuntimeError`. `object`: the object of the request. */
export const runtimeErrorOf =
  (api: Requests, object: Named) =>
  (error: KubeError): Effect.Effect<never, RuntimeError> =>
    Effect.gen(function* () {
      if (isUnreachable(error)) {
        const since = Option.getOrElse(yield* api.unreachableSince, () => new Date())
        if (error.status === undefined) {
          return yield* unreachableError(since, `${api.server}: ${error.message}`, error)
        }
        const message = `The cluster at ${api.server} answered ${error.status}. Retrying: ${error.message}`
        const diagnosis = diagnosisOf("ClusterUnreachable", message, [`${api.server}: ${error.message}`])
        const away = Option.isSome(yield* api.unreachableSince)
        return yield* new RuntimeError({ reason: "unavailable", message, diagnosis, cause: error, away })
      }
      if (error.reason === "unauthorized") {
        const message = `The cluster at ${api.server} doesn't accept the server's credentials: ${error.message}`
        const diagnosis = diagnosisOf("ClusterUnreachable", message, [error.message])
        return yield* new RuntimeError({ reason: "unavailable", message, diagnosis, cause: error })
      }
      if (isUnauthorizedVerb(error)) {
        return yield* new RuntimeError({ reason: "refused", message: lackedRight(error, object), cause: error })
      }
      const { diagnosis, reason } = refusalOf(error, object)
      return yield* new RuntimeError({ reason, message: diagnosis.message, diagnosis, cause: error })
    })
