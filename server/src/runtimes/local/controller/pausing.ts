import { inOrder } from "../machine.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import { refusalsOf } from "./requestRefusals.ts"
import { begin, drop, propose } from "./rollout.ts"
import { change, run, type ServiceMove, stay } from "./serviceMachine.ts"

export const beginHeld: ServiceMove = (state, world) =>
  (state.held === undefined ? stay : inOrder(begin(state.held), change({ held: undefined })))(state, world)

/** Stops all instances and refuses requests. Requests in progress may finish. */
export const pause: ServiceMove = (state, world) => {
  const { candidate, restoring, serving } = state
  return inOrder(
    change({ wokenAtMs: undefined, restoring: false }),
    run(
      { type: "endScaling" },
      ...(restoring && serving !== undefined ? [{ type: "giveTurn", unit: serving.id } as const] : []),
      { type: "route", to: undefined },
      { type: "refuse", error: refusalsOf(state, world).paused() },
      ...(serving === undefined ? [] : [{ type: "scaleTo", unit: serving.id, instances: 0 } as const])
    ),
    candidate === undefined ? stay : inOrder(change({ held: candidate.revision }), drop)
  )(state, world)
}

export const resume: ServiceMove = (state, world) =>
  inOrder(
    resumeServing,
    // Resuming isn't a deployment: a failed revision stays failed.
    state.held !== undefined && latestCreated(state.object.record)?.ready === "False"
      ? inOrder(propose(state.held), change({ held: undefined }))
      : beginHeld
  )(state, world)

const resumeServing: ServiceMove = (state, world) => {
  const { serving: unit } = state
  if (unit === undefined) return stay(state, world)
  const { min } = unit.revision.template
  return run(
    { type: "route", to: unit },
    ...(min > 0
      ? [{ type: "scaleTo", unit: unit.id, instances: min } as const, { type: "beginScaling", unit } as const]
      : [])
  )(state, world)
}
