import { Effect } from "effect"
import { backoffMs, jittered } from "../../../base/node/backoff.ts"
import type { WorkKey } from "../queue/WorkQueue.ts"

export type StageRef = Pick<WorkKey, "organizationId" | "app" | "stage">

/** How often a waiting stage asks again if nobody wakes it: each time costs a whole check of the app. */
const pause = { baseMs: 500, maxMs: 4_000 }

interface Waiting {
  readonly stage: StageRef
  readonly isForWindow: boolean
  readonly times: number
}

/** The stages of this server whose lost services must wait, in the order in which they came. */
export const makeRestoreQueue = (wake: (stages: ReadonlyArray<StageRef>) => Effect.Effect<void>) => {
  const waiting = new Map<string, Waiting>()
  const idOf = ({ app, organizationId, stage }: StageRef) => `${organizationId}/${app}/${stage}`
  const wakeSome = (choose: (all: ReadonlyArray<Waiting>) => ReadonlyArray<Waiting>) =>
    Effect.suspend(() => {
      const chosen = choose([...waiting.values()])
      // They wait again if they must. One that was deleted, or has another server by now, would take the turns of others forever.
      for (const { stage } of chosen) waiting.delete(idOf(stage))
      return chosen.length === 0 ? Effect.void : wake(chosen.map(({ stage }) => stage))
    })
  return {
    wait: (stage: StageRef, isForWindow: boolean): Effect.Effect<number> =>
      Effect.sync(() => {
        const id = idOf(stage)
        const times = waiting.get(id)?.times ?? 0
        waiting.set(id, { stage, isForWindow, times: times + 1 })
        return Math.round(jittered(backoffMs(pause, times)))
      }),
    leave: (stage: StageRef): Effect.Effect<void> => Effect.sync(() => void waiting.delete(idOf(stage))),
    /** A window is open: all who wait for one join it. */
    windowOpen: wakeSome((all) => all.filter(({ isForWindow }) => isForWindow)),
    /** So many services may start: at most as many stages have a use for that. */
    slotsFree: (free: number): Effect.Effect<void> => wakeSome((all) => all.slice(0, free))
  }
}
