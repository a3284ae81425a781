import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { inOrder } from "../machine.ts"
import { changeRevision, latestCreated } from "../objects/ServiceRecord.ts"
import { diagnosisOfFailure } from "../revisions/failures.ts"
import type { RunnerFailure } from "../revisions/runnerMachine.ts"
import { betweenTries, failedFirst, failuresUntilRefused, refusalsOf } from "./requestRefusals.ts"
import { begin, deploying, drop, isInPlace, leave, startCandidate, unrouteUnlessServing } from "./rollout.ts"
import {
  type Candidate,
  change,
  changeRecord,
  run,
  type ServiceMove,
  seenOf,
  stay,
  type Unit,
  type World
} from "./serviceMachine.ts"

/** A new revision counts as failed after this many failures, and not before this time since the first one. */
const failuresUntilFailed = 2
const patienceMs = 3_000
/** Temporary faults outside the program: retry until the revision's deadline. */
const passing: ReadonlySet<string> = new Set<DiagnosisCode>(["RegistryUnreachable", "CannotStart"])
type Why = Parameters<typeof changeRevision>[2]

/** The newest revision has failed for good: only another deployment tries it again. */
const failForGood = (unit: Candidate, why: Why): ServiceMove =>
  inOrder(
    change({ candidate: { ...unit, over: true } }),
    unrouteUnlessServing,
    leave(unit, 0),
    changeRecord((record) => changeRevision(record, unit.revision.name, { ...why, ready: "False" })),
    refuseUnlessServing(why.reason ?? "")
  )

const refuseUnlessServing =
  (reason: string): ServiceMove =>
  (state, world) =>
    (state.serving === undefined ? run({ type: "refuse", error: failedFirst(state, world, reason) }) : stay)(
      state,
      world
    )

/** An instance of the candidate failed: retry the candidate, or fail it for good. */
export const candidateFailed =
  (known: Candidate): ServiceMove =>
  (state, world) => {
    const { failure } = seenOf(world, known)
    const { id, failingSinceMs = world.nowMs, over } = known
    const unsettle = run({ type: "unsettle", unit: id })
    if (failure === undefined || over) return unsettle(state, world)
    const unit = { ...known, failingSinceMs }
    const why = { reason: failure.reason, message: failure.message, diagnosis: diagnosisOfFailure(failure) }
    const consequence = isInPlace(unit)
      ? inPlaceFailed(unit, failure, why)
      : isHopeless(unit, failure, failingSinceMs, world)
        ? failForGood(unit, why)
        : refuseBetweenTries
    return inOrder(unsettle, change({ candidate: unit }), consequence)(state, world)
  }

const isHopeless = (unit: Candidate, failure: RunnerFailure, failingSinceMs: number, { nowMs }: World) => {
  if (!failure.retryable || failure.retryAtMs > unit.deadlineMs) return true
  if (passing.has(failure.reason) || failure.count < failuresUntilFailed) return false
  return nowMs - failingSinceMs >= patienceMs
}

const refuseBetweenTries: ServiceMove = (state, world) => {
  const error = state.serving === undefined ? betweenTries(state, world) : undefined
  return (error === undefined ? stay : run({ type: "refuse", error }))(state, world)
}

/** In place, the developer edits the program and watches it. So keep retrying, and route to it as soon as it works. */
const inPlaceFailed =
  (unit: Candidate, failure: RunnerFailure, why: Why): ServiceMove =>
  (state, world) => {
    const isOver = !failure.retryable || failure.retryAtMs > unit.deadlineMs
    return inOrder(
      isOver ? run({ type: "scaleTo", unit: unit.id, instances: 0 }) : stay,
      !isOver && failure.count < failuresUntilFailed
        ? stay
        : inOrder(
            run({ type: "giveTurn", unit: unit.id }),
            changeRecord((record) => changeRevision(record, unit.revision.name, { ...why, ready: "False" })),
            refuseUnlessServing(failure.reason)
          )
    )(state, world)
  }

/** Tries the newest revision again if it failed. */
export const retryFailed: ServiceMove = (state, world) => {
  const { candidate, object } = state
  if (object.paused || candidate === undefined || latestCreated(object.record)?.ready !== "False")
    return stay(state, world)
  const { id, revision } = candidate
  const deadlineMs = world.nowMs + revision.template.startDeadlineMs
  const isOver = candidate.over || seenOf(world, candidate).target === 0
  return inOrder(
    changeRecord((record) => changeRevision(record, revision.name, deploying)),
    isOver
      ? inOrder(drop, begin(revision, "fresh"))
      : inOrder(change({ candidate: { ...candidate, deadlineMs } }), run({ type: "retry", unit: id }), startCandidate)
  )(state, world)
}

/** Gives up the newest revision if it isn't ready. It never receives requests unless a deployment tries it again. */
export const abandon: ServiceMove = (state, world) => {
  const { candidate, object } = state
  const newest = latestCreated(object.record)
  if (newest === undefined || newest.ready !== "Unknown" || (candidate !== undefined && isInPlace(candidate)))
    return stay(state, world)
  const why = {
    reason: "ProgressDeadlineExceeded",
    message: newest.diagnosis?.message ?? "It wasn't ready in time.",
    diagnosis: newest.diagnosis
  } as const
  return (
    candidate?.revision.name === newest.name
      ? failForGood(candidate, why)
      : changeRecord((record) => changeRevision(record, newest.name, { ...why, ready: "False" }))
  )(state, world)
}

/**
 * The serving revision has no instance left, and failed repeatedly or for good: refuses held requests instead of letting them
 * wait.
 */
export const servingFailed =
  (unit: Unit): ServiceMove =>
  (state, world) => {
    const { failure, ready, running } = seenOf(world, unit)
    const isRefused = failure !== undefined && (failure.count >= failuresUntilRefused || !failure.retryable)
    return (
      isRefused && ready === 0 && running === 0
        ? run({ type: "refuse", error: refusalsOf(state, world).failed(failure, failure.retryAtMs) })
        : stay
    )(state, world)
  }
