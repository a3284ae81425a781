import { inOrder } from "../machine.ts"
import type { RunnableRevision } from "../objects/ServiceObject.ts"
import { latestCreated } from "../objects/ServiceRecord.ts"
import { begin, propose } from "./rollout.ts"
import { change, run, type ServiceMove, stay } from "./serviceMachine.ts"

/** After a restart: restores the stored revisions. */
export const restore = (old: RunnableRevision | undefined, newest: RunnableRevision | undefined): ServiceMove =>
  inOrder(old === undefined ? stay : restoreServing(old), restoreNewest(old, newest))

const restoreServing =
  (revision: RunnableRevision): ServiceMove =>
  (state, world) => {
    const { object } = state
    const unit = { id: state.nextId, revision }
    const wanted = object.paused ? 0 : Math.max(revision.template.min, object.record.active ? 1 : 0)
    return inOrder(
      change({ nextId: state.nextId + 1, serving: unit, restoring: wanted > 0 }),
      run(
        { type: "makeRunner", unit, care: "quick" },
        ...(object.paused ? [] : [{ type: "route", to: unit } as const]),
        ...(wanted > 0 ? [{ type: "enter", unit: unit.id } as const] : [])
      )
    )(state, world)
  }

const restoreNewest =
  (old: RunnableRevision | undefined, newest: RunnableRevision | undefined): ServiceMove =>
  (state, world) => {
    const { object } = state
    const { ready } = latestCreated(object.record) ?? {}
    // A serving revision may have been renewed.
    if (newest === undefined || (newest.name === old?.name && ready === "True")) return stay(state, world)
    if (object.paused) return change({ held: newest })(state, world)
    return (ready === "False" ? propose(newest) : begin(newest))(state, world)
  }
