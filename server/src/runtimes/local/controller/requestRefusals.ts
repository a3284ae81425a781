import type { NoInstance } from "../../../base/proxy/Route.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import { makeRefusals } from "./refusals.ts"
import { type ServiceState, seenOf, type World } from "./serviceMachine.ts"

/** After this many failures in a row, requests are refused instead of held. */
export const failuresUntilRefused = 2

export const refusalsOf = ({ object }: ServiceState, { nowMs }: World) => makeRefusals(object.key, () => nowMs)

/** The refusal while the newest revision has failed and no older one serves, with the reason and the next attempt. */
export const failedFirst = (state: ServiceState, world: World, reason: string): NoInstance => {
  const { failure, target } = seenOf(world, state.candidate)
  const again = target > 0 && failure?.retryable === true
  return refusalsOf(state, world).failed({ ...failure, reason }, again ? failure.retryAtMs : undefined)
}

/**
 * The refusal while the newest revision waits for its next attempt after repeated failures, and no older one serves. Undefined:
 * hold requests.
 */
export const betweenTries = (state: ServiceState, world: World): NoInstance | undefined => {
  const { failure, running } = seenOf(world, state.candidate)
  const waits = failure !== undefined && failure.count >= failuresUntilRefused && running === 0
  return waits ? refusalsOf(state, world).failed(failure, failure.retryAtMs) : undefined
}

/** The refusal of a request if no instance will be able to take it soon. Undefined: hold it. */
export const refusalOfRequest = (state: ServiceState, world: World): NoInstance | undefined => {
  const refusals = refusalsOf(state, world)
  if (state.deleting) return refusals.removed("it is being removed")
  if (state.object.paused) return refusals.paused()
  if (state.serving === undefined) {
    const newest = latestCreated(state.object.record)
    return newest?.ready === "False" ? failedFirst(state, world, newest.reason) : betweenTries(state, world)
  }
  const { failure, running } = seenOf(world, state.serving)
  const hopeless = failure !== undefined && (failure.count >= failuresUntilRefused || !failure.retryable)
  return hopeless && running === 0 && failure.retryAtMs > world.nowMs
    ? refusals.failed(failure, failure.retryAtMs)
    : undefined
}

/** The refusal of a request that was held for the service's whole `timeout`. */
export const overdueRequest = (state: ServiceState, world: World, waitedMs: number): NoInstance =>
  refusalsOf(state, world).overdue(waitedMs, seenOf(world, state.serving ?? state.candidate))
