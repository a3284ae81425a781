import type { Notice } from "../../runtimes/port/Notice.ts"

/** The types that are announced on the runtime's own objects. */
export const announcedTypes = [
  "deployment.succeeded",
  "deployment.failed",
  "drift.healed",
  "service.paused",
  "service.resumed",
  "service.restarted",
  "app.suspended",
  "app.suspension-ended"
] as const

/** An event, with what its deployment did to one service. */
export interface Announced {
  readonly id: string
  readonly type: (typeof announcedTypes)[number]
  readonly at: Date
  /** The deployment's number; null for other events. */
  readonly number: number | null
  /** What became of the service in the deployment; null for other events. */
  readonly state: "ready" | "failed" | null
  /** The diagnosis or reason, if the deployment failed. */
  readonly reason: string | null
  /** How many changes were healed. */
  readonly count: number | null
  /** When a suspension ends. */
  readonly until: Date | null
}

type Text = Pick<Notice, "severity" | "reason" | "message">

const normal = (reason: string, message: string): Text => ({ severity: "Normal", reason, message })

const failed = ({ number, reason, state }: Announced): Text => {
  if (state !== "failed")
    return normal("DeploymentFailed", `Deployment ${number} failed because of another service. This one is ready.`)
  // Reasons are words; anything else could be a tenant's text.
  const word = reason !== null && /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(reason) ? reason : undefined
  return {
    severity: "Warning",
    reason: "DeploymentFailed",
    message:
      word === undefined
        ? `Deployment ${number} failed: this service isn't ready.`
        : `Deployment ${number} failed: ${word}. \`maxcloud explain ${word}\` says how to fix it.`
  }
}

const textOf = (event: Announced): Text => {
  const { count, number, type, until } = event
  if (type === "deployment.succeeded") return normal("DeploymentSucceeded", `Deployment ${number} succeeded.`)
  if (type === "deployment.failed") return failed(event)
  if (type === "drift.healed")
    return normal(
      "DriftHealed",
      `max-cloud restored what others had edited or deleted (${count ?? 1} ${count === 1 ? "change" : "changes"}). \`maxcloud drift\` lists it.`
    )
  if (type === "service.paused") return normal("Paused", "Somebody paused the service. Its requests get 503.")
  if (type === "service.resumed") return normal("Resumed", "Somebody resumed the service.")
  if (type === "app.suspended")
    return normal(
      "Suspended",
      `Somebody suspended the app: max-cloud doesn't restore its objects${until === null ? "" : ` until ${until.toISOString()}`}.`
    )
  if (type === "app.suspension-ended")
    return normal("SuspensionEnded", "The app's suspension ended: max-cloud restores its objects again.")
  return normal("Restarted", "Somebody restarted the service.")
}

/** The line about an event on a service's object. */
export const noticeOf = (event: Announced): Notice => ({ id: event.id, at: event.at, ...textOf(event) })
