import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { Cause } from "effect"
import { memoryText } from "../../../base/words/bytesText.ts"
import { afterReady, endDiagnosis, endedFromOutside, howItEnded, outOfMemory } from "../../diagnosis/endDiagnosis.ts"
import { type Instance, type InstanceExit, InstanceFailed, type InstanceSpec } from "../instances/Instance.ts"

/** An instance that ends sooner after it became ready hasn't served: some open their port first and fail then. */
export const firstSecondsMs = 5_000

/** Why an instance is missing. */
export interface FailureReason {
  readonly reason: Diagnosis["code"]
  readonly message: string
  /** The program's exit code, if it exited on its own. */
  readonly exitCode?: number
  readonly evidence?: ReadonlyArray<string>
  readonly fix?: string
  /** Can another attempt succeed without a change? */
  readonly retryable: boolean
  /** The earliest time for the next attempt. */
  readonly retryAfterMs?: number
}

export const diagnosisOfFailure = ({ evidence, fix, message, reason }: FailureReason): Diagnosis =>
  diagnosisOf(reason, message, evidence, fix)

/** Why an instance couldn't start; undefined if its start was cancelled. */
export const failureOf = (cause: Cause.Cause<InstanceFailed>): FailureReason | undefined => {
  if (Cause.isInterruptedOnly(cause)) return undefined
  const error = Cause.squash(cause)
  if (!(error instanceof InstanceFailed))
    return { reason: "CannotStart", message: `couldn't start the instance: ${String(error)}`, retryable: true }
  const { evidence, exitCode, fix, message, reason, retryable, retryAfterMs } = error
  if (reason === "Stopped") return undefined
  return {
    reason,
    message,
    retryable,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(evidence === undefined ? {} : { evidence }),
    ...(fix === undefined ? {} : { fix })
  }
}

/** Why an instance ended on its own, `readyMs` after it had become ready; undefined if we stopped it. */
export const failureOfExit = (
  exit: InstanceExit,
  readyMs: number,
  { memoryBytes }: Pick<InstanceSpec, "memoryBytes">,
  of: Instance["of"] = "source"
): FailureReason | undefined => {
  if (exit.wanted) return undefined
  if (exit.dead !== undefined) {
    const { code, ...rest } = exit.dead
    return { ...rest, reason: code, retryable: code !== "NotHttp" }
  }
  const seconds = Math.max(0.1, Math.round(readyMs / 100) / 10)
  if (exit.outside !== undefined) {
    const { code, ...rest } = endedFromOutside(exit.outside)
    return { ...rest, reason: code, retryable: true }
  }
  const evidence = [`the instance ended ${howItEnded(exit)}, ${seconds} s after it was ready`]
  const found = exit.outOfMemory
    ? outOfMemory(of === "image" ? memoryText(memoryBytes) : undefined, evidence)
    : endDiagnosis(exit, {
        evidence,
        of,
        when: `, ${seconds} s after it was ready`
      })
  const { code, ...rest } = readyMs < firstSecondsMs ? found : afterReady(found)
  return { ...rest, reason: code, retryable: true, ...(exit.code === null ? {} : { exitCode: exit.code }) }
}
