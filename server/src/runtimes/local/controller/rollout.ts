import type { Care } from "../../../stores/sources/SourceStore.ts"
import { inOrder } from "../machine.ts"
import type { RunnableRevision } from "../objects/ServiceObject.ts"
import { changeRevision, latestCreated } from "../objects/ServiceRecord.ts"
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
import { settleMsOf } from "./settling.ts"

export const deploying = { ready: "Unknown", reason: "Deploying", message: "", diagnosis: undefined } as const

/** Services in the queue of first starts from which new ones do not stay up for their idle time. */
const crowd = 16

/**
 * Do its instances need their folder for themselves? Development servers write caches and locks into it, and refuse to start a second time. So
 * the former revision ends first; requests are held meanwhile.
 */
const isAlone = ({ template: { program } }: RunnableRevision) =>
  program.kind === "directory" && program.script !== undefined

/** One that is edited where it runs. */
export const isInPlace = ({ revision }: Unit) => revision.template.program.kind === "directory"

const isUp = (unit: Unit, world: World) => seenOf(world, unit).ready >= unit.revision.template.initialScale

/** Makes a revision the candidate, without a start. `care`: how closely what it runs from is looked at before its first start. */
export const propose =
  (revision: RunnableRevision, care: Care = "whole", waits = false): ServiceMove =>
  (state, { nowMs }) => {
    const unit = { id: state.nextId, revision }
    const deadlineMs = nowMs + revision.template.startDeadlineMs
    return {
      state: {
        ...state,
        nextId: state.nextId + 1,
        candidate: { ...unit, waits, failingSinceMs: undefined, over: false, deadlineMs }
      },
      effects: [{ type: "makeRunner", unit, care }]
    }
  }

export const leave =
  (unit: Unit, drainMs: number): ServiceMove =>
  (state) => ({
    state: { ...state, leaving: new Set([...state.leaving, unit.id]) },
    effects: [{ type: "leave", unit: unit.id, drainMs }]
  })

/** Requests that no older revision takes are held. */
export const unrouteUnlessServing: ServiceMove = (state, world) =>
  (state.serving === undefined ? run({ type: "route", to: undefined }) : stay)(state, world)

/** The former instances have to be gone before what runs alone may start. */
const clearWay: ServiceMove = (state, world) =>
  state.serving === undefined
    ? stay(state, world)
    : inOrder(
        run({ type: "endScaling" }, { type: "route", to: undefined }),
        leave(state.serving, 0),
        change({ serving: undefined, restoring: false })
      )(state, world)

/** Queues for its first start, unless others have to end before. */
export const startCandidate: ServiceMove = (state, world) => {
  const { candidate, leaving, serving } = state
  if (candidate === undefined || (candidate.waits && leaving.size > 0)) return stay(state, world)
  const { id: unit } = candidate
  const isWanted = serving === undefined && world.waiting > 0
  return inOrder(
    change({ candidate: { ...candidate, waits: false } }),
    run({ type: "enter", unit }, ...(isWanted ? [{ type: "hurry", unit } as const] : []))
  )(state, world)
}

export const begin = (revision: RunnableRevision, care?: Care): ServiceMove =>
  isAlone(revision)
    ? inOrder(propose(revision, care, true), clearWay, startCandidate)
    : inOrder(propose(revision, care), startCandidate)

/** Gives the candidate up for another one, or for a pause. */
export const drop: ServiceMove = (state, world) =>
  state.candidate === undefined
    ? stay(state, world)
    : inOrder(unrouteUnlessServing, leave(state.candidate, 0), change({ candidate: undefined }))(state, world)

/** Its first instances are ready, or one of them is so no more: it takes the place of what serves once they have stayed up for a while. */
export const settle =
  (unit: Candidate): ServiceMove =>
  (state, world) => {
    const { id, revision } = unit
    if (!isUp(unit, world)) return run({ type: "unsettle", unit: id })(state, world)
    const ms = settleMsOf(state.settle, revision.template, seenOf(world, unit).launchMs)
    return run(
      // What waits for its first start is not held up, nor are requests that no older revision takes.
      { type: "giveTurn", unit: id },
      ...(state.serving === undefined ? [{ type: "route", to: unit } as const] : []),
      { type: "settle", unit: id, ms }
    )(state, world)
  }

export const settled =
  (unit: Candidate): ServiceMove =>
  (state, world) =>
    (isUp(unit, world) ? promote(unit) : settle(unit))(state, world)

/** It takes the requests from now on; what served before drains. */
const promote =
  ({ id, revision }: Candidate): ServiceMove =>
  (state, world) => {
    const { serving: old } = state
    const unit = { id, revision }
    const isCrowded = world.queued > crowd && revision.template.min === 0
    const isUnused = seenOf(world, unit).inFlight === 0 && world.waiting === 0
    return inOrder(
      change({ candidate: undefined, serving: unit, restoring: false, wokenAtMs: undefined }),
      changeRecord((record) => ({
        ...changeRevision(record, revision.name, { ready: "True", reason: "", message: "", diagnosis: undefined }),
        latestReady: revision.name
      })),
      run(
        // Its first tries failed. It has stayed up since, and isn't in a crash loop.
        { type: "forgive", unit: id },
        { type: "endScaling" },
        { type: "route", to: unit },
        { type: "beginScaling", unit }
      ),
      old === undefined ? stay : leave(old, old.revision.template.timeoutMs),
      isCrowded && isUnused ? run({ type: "endScaling" }, { type: "scaleTo", unit: id, instances: 0 }) : stay,
      run({ type: "giveTurn", unit: id })
    )(state, world)
  }

/** What the revision that serves runs from is damaged: starts it anew beside what runs of it, as a new one would be. */
export const renew =
  (revision: RunnableRevision): ServiceMove =>
  (state, world) => {
    const { candidate, object, serving } = state
    const isNewest = latestCreated(object.record)?.name === revision.name
    if (object.paused || candidate !== undefined || serving?.revision !== revision || !isNewest)
      return stay(state, world)
    return inOrder(
      changeRecord((record) => changeRevision(record, revision.name, deploying)),
      begin(revision)
    )(state, world)
  }
