import { productionStage } from "@maxcloud/config-schema"
import { NoInstance } from "../../../base/proxy/Route.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import type { RunnerFailure } from "../revisions/runnerMachine.ts"

/** When to ask a paused service again: a person ends the pause. */
const pausedRetrySeconds = 60

/** The state of the revision that requests wait for. */
export interface Waited {
  readonly failure: RunnerFailure | undefined
  readonly running: number
  readonly ready: number
}

/** `reason` of a stored revision may be any text. */
export interface Failed extends Pick<RunnerFailure, "exitCode"> {
  readonly reason: string
}

/** The kind of a failure in words. Numbers and words of ours alone: nothing that a program, an engine or a registry has written. */
const kindOf = ({ exitCode, reason }: Failed): string => {
  if (reason === "OutOfMemory") return ": its last instance used more memory than it may"
  if (exitCode !== undefined) return `: its last instance ended with exit code ${exitCode}`
  return /^[A-Z][A-Za-z0-9]{1,40}$/.test(reason) ? ` (${reason})` : ""
}

/**
 * The answers to callers of a service while no instance takes their requests. Callers may be anyone, so they learn only the kind of a
 * failure. The details are for the service's owner: image names, registries, output of the engine or a package manager, folders of this
 * machine.
 */
export const makeRefusals = ({ service, stage }: Pick<ServiceKey, "service" | "stage">, now: () => number) => {
  const forStage = stage === productionStage ? "" : ` --stage ${stage}`
  const secondsUntil = (ms: number) => Math.max(1, Math.ceil((ms - now()) / 1000))

  const failed = (failure: Failed, retryAtMs: number | undefined) => {
    const seconds = retryAtMs === undefined ? undefined : secondsUntil(retryAtMs)
    const next = seconds === undefined ? "" : ` The next try is in ${seconds} s.`
    return new NoInstance(
      503,
      `service "${service}": it isn't running${kindOf(failure)}.${next} Its owner can see why with \`maxcloud describe ${service}${forStage}\``,
      seconds
    )
  }

  return {
    failed,

    removed: (why: string) => new NoInstance(503, `service "${service}": ${why}`),

    paused: () =>
      new NoInstance(
        503,
        `service "${service}" is paused. Its owner can resume it with \`maxcloud resume ${service}${forStage}\``,
        pausedRetrySeconds,
        "Paused"
      ),

    /** One that was held for as long as a request may take. */
    overdue: (waitedMs: number, { failure, ready, running }: Waited) => {
      if (failure !== undefined) return failed(failure, failure.retryAtMs)
      const why =
        ready > 0
          ? "every instance was busy"
          : running > 0
            ? "its instance was still starting"
            : "its instance waited for others to start"
      return new NoInstance(
        504,
        `service "${service}": ${why} after ${waitedMs / 1000} s, the time that a request may take`
      )
    }
  }
}
