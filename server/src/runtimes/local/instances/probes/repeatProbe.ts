import type { InstanceSpec, ProbeSpec } from "../Instance.ts"
import { type Answering, check } from "./firstAnswer.ts"
import type { Pauses } from "./pauses.ts"

/** A check, unless the program's requests have already shown that it lives; undefined: unknown. */
const checkAlive = async (
  given: ProbeSpec,
  at: Answering,
  settleMs: number,
  traffic: InstanceSpec["traffic"],
  answeredBefore: number
): Promise<boolean | undefined> => {
  const answers = given.anyAnswer === undefined ? undefined : traffic
  const hasAnswered = () => answers !== undefined && answers.answered() > answeredBefore
  if (hasAnswered()) return true
  const since = performance.now()
  const isSuccess = (await check(given, at, settleMs)).said === "success"
  if (isSuccess) answers?.answeredProbe?.(since)
  if (isSuccess || hasAnswered()) return true
  return answers?.isFull(since) === true ? undefined : false
}

/** Checks at the probe's period until stopped. `onFailure`: the failure threshold is reached or exceeded. */
export const repeatProbe = async (
  given: ProbeSpec,
  at: Answering,
  settleMs: number,
  traffic: InstanceSpec["traffic"],
  pauses: Pauses,
  { onFailure, onSuccess }: { readonly onSuccess: () => void; readonly onFailure: () => void }
): Promise<void> => {
  let tookMs = 0
  for (let failures = 0; !pauses.stopped(); ) {
    const answered = traffic?.answered() ?? 0
    // From the start of one check to the start of the next, as on Kubernetes.
    await pauses.pause(Math.max(0, given.periodMs - tookMs))
    if (pauses.stopped()) return
    const since = performance.now()
    const succeeded = await checkAlive(given, at, settleMs, traffic, answered)
    tookMs = performance.now() - since
    if (pauses.stopped()) return
    if (succeeded === undefined) continue
    failures = succeeded ? 0 : failures + 1
    if (succeeded) onSuccess()
    else if (failures >= given.failureThreshold) onFailure()
  }
}
