import type { DeploymentEvent } from "../api/deployment.ts"
import type { DeployProgress } from "../deploy/deployOptions.ts"
import { elapsed, integerBytes, linesOf, printable } from "./text.ts"

export interface ProgressOptions {
  /** Milliseconds of a clock, for the time before each line. @default `performance.now` */
  readonly now?: (() => number) | undefined
}

/** True the first time it sees a text, so that a temporary fault is reported only once. */
const firstTime = () => {
  const seen = new Set<string>()
  return (text: string) => seen.size < seen.add(text).size
}

const statesOfReasons: Readonly<Record<string, string>> = { Ready: "ready", Paused: "paused", Deleted: "deleted" }

/** The line of an event that concerns a service, without its time. */
const serviceLine = (event: DeploymentEvent, name: string): string => {
  const service = event.deployment?.services.find((service) => service.name === name)
  // An event without the deployment is one of several that were read together. Then only these two fields have a state.
  const state = service?.state ?? statesOfReasons[event.reason]
  const reason = service?.diagnosis?.message ?? service?.message ?? event.message ?? service?.reason ?? event.reason
  // A failed service is reported in full at the end, with its last lines.
  const [message = "", ...rest] = state === "failed" ? linesOf(reason).slice(0, 1) : linesOf(reason, " ".repeat(12))
  const said = message.toLowerCase() === state ? "" : message
  const line = `${name}: ${[state, said].filter((value) => value !== undefined && value !== "").join(", ")}`
  return [line, ...rest].join("\n")
}

/**
 * Renders a deploy's progress as lines, as `maxcloud deploy` prints them without a terminal. Pass each progress and print the result. Removes
 * services' control characters.
 */
export const renderProgress = ({
  now = () => performance.now()
}: ProgressOptions = {}): ((progress: DeployProgress) => ReadonlyArray<string>) => {
  const begun = now()
  const told = new Map<string, string>()
  const isNew = firstTime()

  const eventLines = (event: DeploymentEvent): ReadonlyArray<string> => {
    const time = elapsed(now() - begun).padStart(6)
    if (event.service === null) {
      const message = printable(event.message ?? event.reason)
      if (event.type === "finished" || event.type === "accepted") return []
      if (event.type !== "warning") return [`${time}  ${message}`]
      return isNew(message) ? [`${time}  warning: ${message}`] : []
    }
    const whole = serviceLine(event, event.service)
    if (told.get(event.service) === whole) return []
    told.set(event.service, whole)
    return [`${time}  ${whole}`]
  }

  return (progress) => {
    switch (progress._tag) {
      case "uploading": {
        const { bytes, files, services } = progress
        return [`uploading the source of ${services.join(", ")} (${files} files, ${integerBytes(bytes)})`]
      }
      case "accepted": {
        const { app, number, stage } = progress.deployment
        return [`deployment ${number} of ${app} (${stage})`]
      }
      case "event":
        return eventLines(progress.event)
      case "finished": {
        const { app, number, stage, status } = progress.deployment
        const reason = status.message === null ? "" : `: ${linesOf(status.message).join("\n")}`
        return [`deployment ${number} of ${app} (${stage}) ${status.state}${reason}`]
      }
    }
  }
}
