import { productionStage } from "@maxcloud/config-schema"
import { type DeploymentService, isCaution } from "@maxcloud/sdk/api"
import type { ServiceStatus } from "../../../runtimes/port/Runtime.ts"
import { pausedReason, resumeCommand } from "../records/pausedServices.ts"

/** The state of a deployment's service, as in its row. */
export type Progress = Pick<
  DeploymentService,
  "name" | "action" | "state" | "revision" | "url" | "reason" | "message" | "logTail" | "diagnosis"
>

const pending = (service: Progress, reason: string, message: string): Progress => ({ ...service, reason, message })

/**
 * The effect of a service's status on the deployment that applied it. A status of an earlier generation means nothing yet
 * (Knative, "Rule 0"). A service is ready when its newest created revision is also its newest ready one.
 */
export const progressOf = (
  service: Progress,
  status: ServiceStatus | undefined,
  stage: string = productionStage
): Progress => {
  if (status === undefined || status.observedGeneration !== status.generation) {
    return pending(service, "Pending", "The runtime hasn't processed it yet.")
  }
  const { diagnosis, latestCreatedRevision, latestReadyRevision, logTail, state, terminal, url } = status
  const ready = status.conditions.find((condition) => condition.type === "Ready")
  const current = { ...service, revision: latestCreatedRevision, url }
  const isLatest = latestCreatedRevision !== null && latestCreatedRevision === latestReadyRevision
  // A paused service is judged when it is resumed: until then it only has to exist. Its deployment shows it as paused (`shownState`).
  if (state === "paused") {
    const starts = service.action === "unchanged" ? "The service starts" : "The new revision starts"
    const message = `${starts} on \`${resumeCommand(service.name, stage)}\`.`
    return { ...current, state: "ready", reason: pausedReason, message, logTail: [], diagnosis: null }
  }
  if (isLatest && (state === "ready" || state === "idle" || state === "waking")) {
    const caution = diagnosis !== null && isCaution(diagnosis.code) ? diagnosis : null
    return { ...current, state: "ready", reason: "Ready", message: "", logTail: [], diagnosis: caution }
  }
  // A service that was ready before and isn't changed by this deployment doesn't affect its verdict.
  if (state === "degraded" && isLatest && service.action === "unchanged") {
    return {
      ...current,
      state: "ready",
      reason: ready?.reason ?? "Degraded",
      message: ready?.message ?? "",
      logTail,
      diagnosis
    }
  }
  if (terminal && diagnosis !== null) {
    return { ...current, state: "failed", reason: diagnosis.code, message: diagnosis.message, logTail, diagnosis }
  }
  if (state === "failed" || state === "degraded") {
    const blamed =
      ready?.status === "False" ? ready : (status.conditions.find((condition) => condition.status === "False") ?? ready)
    return {
      ...current,
      state: "failed",
      reason: blamed?.reason ?? "Failed",
      message: blamed?.message ?? "It doesn't become ready.",
      logTail,
      diagnosis
    }
  }
  return { ...pending(current, ready?.reason ?? "Pending", diagnosis?.message ?? ready?.message ?? ""), diagnosis }
}

/** Its newest revision is ready, but requests are still pinned where an earlier failed deployment left them. */
export const isReadyElsewhere = ({ held, ...status }: ServiceStatus): boolean =>
  held === true &&
  status.observedGeneration === status.generation &&
  status.latestCreatedRevision !== null &&
  status.latestCreatedRevision === status.latestReadyRevision

/** At the deadline, services that aren't ready have failed. */
export const overdue = (service: Progress, deadlineMs: number): Progress =>
  service.state !== "pending"
    ? service
    : {
        ...service,
        state: "failed",
        reason: "ProgressDeadlineExceeded",
        message: `It wasn't ready within ${deadlineMs / 1000} s: ${service.reason}${(service.message ?? "") === "" ? "" : `, ${service.message}`}`
      }

export const failureOf = (services: ReadonlyArray<Progress>): string => {
  const failed = services.filter((service) => service.state === "failed")
  const [first] = failed
  if (first === undefined) return ""
  if (failed.length === 1) return `The service "${first.name}" isn't ready: ${first.reason}: ${first.message}`
  const names = failed.slice(0, 5).map((each) => `"${each.name}" (${each.reason})`)
  const more = failed.length > 5 ? ` and ${failed.length - 5} more` : ""
  return `${failed.length} services aren't ready: ${names.join(", ")}${more}`
}
