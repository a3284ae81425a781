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

/** The `reason` of a stored revision may be any text. */
export interface Failed extends Pick<RunnerFailure, "exitCode"> {
  readonly reason: string
}

/** Describes the kind of a failure with our own words and numbers only: nothing written by a program, an engine or a registry. */
const kindOf = ({ exitCode, reason }: Failed): string => {
  if (reason === "OutOfMemory") return ": its last instance used too much memory"
  if (exitCode !== undefined) return `: its last instance ended with exit code ${exitCode}`
  return /^[A-Z][A-Za-z0-9]{1,40}$/.test(reason) ? ` (${reason})` : ""
}

/**
 * The answers to callers while no instance of a service can take their requests. Anyone may call, so they learn only the kind of
 * a failure. Details are for the service's owner: image names, registries, output of the engine or a package manager, folders of
 * this machine.
 */
export const makeRefusals = ({ service, stage }: Pick<ServiceKey, "service" | "stage">, now: () => number) => {
  const forStage = stage === productionStage ? "" : ` --stage ${stage}`
  const secondsUntil = (ms: number) => Math.max(1, Math.ceil((ms - now()) / 1000))

  const failed = (failure: Failed, retryAtMs: number | undefined) => {
    const seconds = retryAtMs === undefined ? undefined : secondsUntil(retryAtMs)
    const next = seconds === undefined ? "" : ` The next attempt is in ${seconds} s.`
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

    /** The refusal of a request that was held for the service's whole timeout. */
    overdue: (waitedMs: number, { failure, ready, running }: Waited) => {
      if (failure !== undefined) return failed(failure, failure.retryAtMs)
      const why =
        ready > 0
          ? "every instance was busy"
          : running > 0
            ? "its instance was still starting"
            : "its instance waited for others to start"
      return new NoInstance(504, `service "${service}": ${why} after ${waitedMs / 1000} s, the service's timeout`)
    }
  }
}
