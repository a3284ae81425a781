import type { RuntimeError } from "../../../runtimes/port/Runtime.ts"
import type { Outcome } from "../queue/WorkQueue.ts"
import type { Verdict } from "../stages/finishDeployment.ts"
import type { Begun } from "../stages/stageBase.ts"
import { failureOf, type Progress } from "../statuses/progress.ts"

/**
 * One pass over the newest deployment of an app and stage, as a state machine. The state is a value, findings arrive as events,
 * and each step returns the next effect, one at a time. `reconcile.ts` performs it.
 */
export interface PassState {
  readonly begun: Begun
  readonly memory: PassMemory
  /** How soon to check unready services again without a wake-up. */
  readonly resyncMs: number
  /** Why the runtime refused everything when it was applied. */
  readonly refusal: RuntimeError | undefined
  /** This pass had an internal error. */
  readonly broken: boolean
  /** The verdict is written: nothing more is reported about the deployment. */
  readonly ended: boolean
}

/** This process's memory of a deployment from one pass to the next. */
export interface PassMemory {
  /**
   * The stage's context when this process applied it. After a restart of the server it is applied again, and also when a service
   * is paused, resumed or restarted during its deployment.
   */
  readonly applied?: string
  /** The last reported warning. */
  readonly warned?: string
}

/** The next effect. The answer to each except `end` is the event of the same name below, or `refused`, `unavailable` or `broke`. */
export type PassEffect =
  /** Checks an app that was deployed before. */
  | { readonly type: "recheck" }
  | { readonly type: "readContext" }
  | { readonly type: "apply"; readonly context: string }
  | { readonly type: "tellApplied" }
  /** Checks the undecided services, and stores changes. */
  | { readonly type: "follow" }
  /** Reads the services as last stored. */
  | { readonly type: "readServices" }
  | { readonly type: "removeServices"; readonly services: ReadonlyArray<Progress> }
  | { readonly type: "prune" }
  /** Keeps requests away from those of these services that aren't ready. */
  | { readonly type: "abandon"; readonly services: ReadonlyArray<Progress>; readonly verdict: Verdict }
  /** The same for the services as last stored: the runtime may be unreachable. */
  | { readonly type: "ruleOut"; readonly verdict: Verdict }
  | { readonly type: "warn"; readonly reason: string; readonly message: string; readonly outcome: Outcome }
  | { readonly type: "noteRollout"; readonly message: string; readonly outcome: Outcome }
  | { readonly type: "finish"; readonly verdict: Verdict }
  | { readonly type: "readDrift" }
  | { readonly type: "end"; readonly outcome: Outcome }

export type PassEvent =
  /** `againMs`: when to go on; undefined: all is as it should be. */
  | { readonly type: "rechecked"; readonly againMs?: number | undefined }
  | { readonly type: "contextRead"; readonly context: string }
  | { readonly type: "applied"; readonly context: string }
  /** Lost services come back at zero meanwhile. A new revision would start at zero, too, and be judged without an instance. */
  | { readonly type: "notAdmitted" }
  | { readonly type: "applyRefused"; readonly error: RuntimeError }
  | { readonly type: "appliedTold" }
  /** After `follow` and `readServices`. */
  | { readonly type: "servicesSeen"; readonly services: ReadonlyArray<Progress> }
  /** undefined: a newer deployment arrived meanwhile. */
  | { readonly type: "servicesRemoved"; readonly services: ReadonlyArray<Progress> | undefined }
  /** `whole` is false if a newer deployment arrived meanwhile. */
  | { readonly type: "pruned"; readonly whole: boolean }
  | { readonly type: "abandoned"; readonly verdict: Verdict }
  | { readonly type: "ruledOut"; readonly verdict: Verdict; readonly certain: boolean }
  /** After `warn` and `noteRollout`. */
  | { readonly type: "told"; readonly outcome: Outcome }
  | { readonly type: "finished" }
  | { readonly type: "driftRead"; readonly found: boolean }
  | { readonly type: "refused"; readonly error: RuntimeError }
  | { readonly type: "unavailable"; readonly error: RuntimeError }
  | { readonly type: "broke" }

export interface PassStep {
  readonly state: PassState
  readonly effect: PassEffect
}

/** How soon to ask again whether a deployment may be applied. */
const notAdmittedMs = 500

/** How soon to ask again whether the runtime's report of a service is current. */
const unconfirmedMs = 500

export const done: Outcome = { _tag: "done" }
const again = (afterMs: number, failed = false): Outcome => ({ _tag: "retry", afterMs, failed })

/** The report about a refused deployment: the problem and its fix. */
const refusalText = ({ diagnosis, message }: RuntimeError) =>
  diagnosis === undefined ? message : `${message.replace(/\.$/, "")}. ${diagnosis.fix}`

const to = (state: PassState, effect: PassEffect): PassStep => ({ state, effect })
const end = (state: PassState, outcome: Outcome) => to(state, { type: "end", outcome })
const fail = (state: PassState, reason: string, message: string) =>
  to(state, { type: "finish", verdict: { state: "failed", reason, message } })
const refuse = (state: PassState, error: RuntimeError) =>
  fail(state, error.diagnosis?.code ?? "Refused", refusalText(error))

/** The first step for a deployment. A finished one is no longer applied by the rules of a deployment. */
export const beginPass = (begun: Begun, memory: PassMemory, resyncMs: number): PassStep => {
  const state = { begun, memory, resyncMs, refusal: undefined, broken: false, ended: false }
  return begun.finished ? to({ ...state, memory: {} }, { type: "recheck" }) : to(state, { type: "readContext" })
}

const servicesSeen = (state: PassState, services: ReadonlyArray<Progress>) => {
  const { refusal } = state
  // If a deployment with new content is refused, the app stays as it was. One that only removes services removes them, even if
  // others are refused.
  const removes =
    refusal === undefined || services.every((service) => service.action === "delete" || service.action === "unchanged")
  return removes ? to(state, { type: "removeServices", services }) : refuse(state, refusal)
}

const servicesRemoved = (state: PassState, services: ReadonlyArray<Progress> | undefined) => {
  if (state.refusal !== undefined) return refuse(state, state.refusal)
  if (services === undefined) return end(state, again(0))
  const wanted = services.filter((service) => service.action !== "delete")
  if (wanted.some((each) => each.state === "pending")) {
    // At the deadline, a service is pending only until its state is confirmed.
    const { overdue, remaining_ms } = state.begun
    return end(state, again(overdue ? unconfirmedMs : Math.max(10, Math.min(state.resyncMs, remaining_ms))))
  }
  const message = failureOf(wanted)
  if (message === "") return to(state, { type: "prune" })
  // Do this before reporting the failure: even after a crash in between, nothing goes live once the failure was reported.
  const verdict: Verdict = { state: "failed", reason: "ServiceFailed", message }
  return to(state, { type: "abandon", services: wanted, verdict })
}

const pruned = (state: PassState, whole: boolean) => {
  if (!whole) return end(state, again(0))
  const message = `Deployment ${state.begun.number} succeeded.`
  return to(state, { type: "finish", verdict: { state: "succeeded", reason: "Succeeded", message } })
}

/** Applied objects could still go live once the runtime is back: delay the verdict until that is ruled out. */
const ruledOut = (state: PassState, verdict: Verdict, certain: boolean) =>
  !certain && state.memory.applied !== undefined
    ? end(state, again(state.resyncMs))
    : to(state, { type: "finish", verdict })

/** A temporary fault: report it once, and retry until the deadline, which an unreachable runtime doesn't reach. */
const postpone = (
  state: PassState,
  reason: string,
  message: string,
  { isAway = false, retry }: { readonly isAway?: boolean; readonly retry?: Outcome } = {}
): PassStep => {
  if (state.begun.overdue && !isAway)
    return to(state, { type: "ruleOut", verdict: { state: "failed", reason, message } })
  // Poll an unreachable cluster, and what isn't over yet, at an even pace, so that after an outage of any length all deployments continue at once.
  const outcome = retry ?? (isAway || reason === "ClusterUnreachable" ? again(state.resyncMs) : again(0, true))
  if (state.memory.warned === message) return end(state, outcome)
  return to({ ...state, memory: { ...state.memory, warned: message } }, { type: "warn", reason, message, outcome })
}

const unavailable = (state: PassState, error: RuntimeError) =>
  state.begun.finished
    ? to(state, { type: "noteRollout", message: error.message, outcome: again(state.resyncMs, true) })
    : postpone(state, error.diagnosis?.code ?? error.doing ?? "RuntimeUnavailable", error.message, {
        isAway: error.away === true
      })

const refused = (state: PassState, error: RuntimeError) =>
  state.begun.finished
    ? to(state, { type: "noteRollout", message: error.message, outcome: done })
    : refuse(state, error)

const broke = (before: PassState) => {
  const state = { ...before, broken: true }
  if (state.ended) return end(state, again(0, true))
  if (!state.begun.finished) {
    return postpone(state, "InternalError", "Internal error. The server's log has the cause. Retrying.")
  }
  // Don't delay the others: the rollout returns to it.
  const message = "The server couldn't create the app's manifests. Its log has the cause."
  return to(state, { type: "noteRollout", message, outcome: done })
}

const finished = (before: PassState) => {
  const state = { ...before, memory: {}, ended: true }
  return state.broken ? end(state, done) : to(state, { type: "readDrift" })
}

/** The step that follows the last one's result. */
export const passStep = (state: PassState, event: PassEvent): PassStep => {
  switch (event.type) {
    case "rechecked":
      return end(state, event.againMs === undefined ? done : again(event.againMs))
    case "contextRead":
      return to(
        state,
        state.memory.applied === event.context ? { type: "follow" } : { type: "apply", context: event.context }
      )
    case "applied":
      return to({ ...state, memory: { applied: event.context } }, { type: "tellApplied" })
    case "notAdmitted":
      return postpone(state, "Restoring", "Waiting until the cluster's lost services are back.", {
        retry: again(notAdmittedMs)
      })
    case "applyRefused":
      return to({ ...state, refusal: event.error }, { type: "readServices" })
    case "appliedTold":
      return to(state, { type: "follow" })
    case "servicesSeen":
      return servicesSeen(state, event.services)
    case "servicesRemoved":
      return servicesRemoved(state, event.services)
    case "pruned":
      return pruned(state, event.whole)
    case "abandoned":
      return to(state, { type: "finish", verdict: event.verdict })
    case "ruledOut":
      return ruledOut(state, event.verdict, event.certain)
    case "told":
      return end(state, event.outcome)
    case "finished":
      return finished(state)
    case "driftRead":
      // The next pass repairs drift that occurred meanwhile: a deployment takes nothing by force.
      return end(state, event.found ? again(0) : done)
    case "refused":
      return refused(state, event.error)
    case "unavailable":
      return unavailable(state, event.error)
    case "broke":
      return broke(state)
  }
}
