import { Cause } from "effect"
import { type InstanceExit, InstanceFailed } from "../instances/Instance.ts"

/** Why an instance is not there: `reason` is a word in CamelCase, `message` a sentence. */
export interface FailureReason {
  readonly reason: string
  readonly message: string
  /** Would another try without a change do? */
  readonly retryable: boolean
}

/** Why an instance could not be started; undefined where its start was called off. */
export const failureOf = (cause: Cause.Cause<InstanceFailed>): FailureReason | undefined => {
  if (Cause.isInterruptedOnly(cause)) return undefined
  const error = Cause.squash(cause)
  return error instanceof InstanceFailed
    ? { reason: error.reason, message: error.message, retryable: error.retryable }
    : { reason: "InternalError", message: `the instance could not be started: ${String(error)}`, retryable: true }
}

/** Why an instance ended by itself; undefined where it was told to. In Kubernetes' words, where it has them. */
export const failureOfExit = (exit: InstanceExit): FailureReason | undefined => {
  if (exit.wanted) return undefined
  if (exit.outOfMemory) {
    return { reason: "OOMKilled", message: "an instance used more memory than it may and was killed", retryable: true }
  }
  return exit.signal === null
    ? {
        reason: `ExitCode${exit.code ?? 0}`,
        message: `an instance ended with exit code ${exit.code ?? 0}`,
        retryable: true
      }
    : { reason: "Signaled", message: `an instance was killed by ${exit.signal}`, retryable: true }
}
