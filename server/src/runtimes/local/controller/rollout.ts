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

/**
 * If more services than this wait for their first start, an unused new one scales to zero at once instead of after its idle time.
 */
const crowd = 16

/**
 * Do its instances need exclusive use of their folder? Development servers write caches and locks into it, and refuse to start a
 * second time. So the previous revision stops first, and requests are held meanwhile.
 */
const isAlone = ({ template: { program } }: RunnableRevision) =>
  program.kind === "directory" && program.script !== undefined

/** A revision whose source runs in place and is edited there. */
export const isInPlace = ({ revision }: Unit) => revision.template.program.kind === "directory"

const isUp = (unit: Unit, world: World) => seenOf(world, unit).ready >= unit.revision.template.initialScale

/** Makes a revision the candidate, without starting it. `care`: how thoroughly its files are checked before its first start. */
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

/** If no older revision serves, holds the requests. */
export const unrouteUnlessServing: ServiceMove = (state, world) =>
  (state.serving === undefined ? run({ type: "route", to: undefined }) : stay)(state, world)

/** A revision with exclusive use of its folder may start only when the previous instances are gone: stops the serving one. */
const clearWay: ServiceMove = (state, world) =>
  state.serving === undefined
    ? stay(state, world)
    : inOrder(
        run({ type: "endScaling" }, { type: "route", to: undefined }),
        leave(state.serving, 0),
        change({ serving: undefined, restoring: false })
      )(state, world)

/** Queues the candidate for its first start, unless it must wait for leaving runners to end. */
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

/** Gives up the candidate, for another one or for a pause. If no older revision serves, it may have requests. */
export const drop: ServiceMove = (state, world) => {
  const { candidate } = state
  if (candidate === undefined) return stay(state, world)
  const drainMs = isAlone(candidate.revision) ? 0 : candidate.revision.template.drainMs
  return inOrder(unrouteUnlessServing, leave(candidate, drainMs), change({ candidate: undefined }))(state, world)
}

/**
 * The candidate's first instances became ready, or one of them no longer is. Once all have stayed up for a while, it replaces the
 * serving revision.
 */
export const settle =
  (unit: Candidate): ServiceMove =>
  (state, world) => {
    const { id, revision } = unit
    if (!isUp(unit, world)) return run({ type: "unsettle", unit: id })(state, world)
    const ms = settleMsOf(state.settle, revision.template, seenOf(world, unit).launchMs)
    return run(
      // While it settles, don't block the queue of first starts, or requests if no older revision serves.
      { type: "giveTurn", unit: id },
      ...(state.serving === undefined ? [{ type: "route", to: unit } as const] : []),
      { type: "settle", unit: id, ms }
    )(state, world)
  }

export const settled =
  (unit: Candidate): ServiceMove =>
  (state, world) =>
    (isUp(unit, world) ? promote(unit) : settle(unit))(state, world)

/** Makes the candidate the serving revision; the previous one drains. */
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
        // Its first attempts failed. It has stayed up since, and isn't in a crash loop.
        { type: "forgive", unit: id },
        { type: "endScaling" },
        { type: "route", to: unit },
        { type: "beginScaling", unit }
      ),
      old === undefined ? stay : leave(old, old.revision.template.drainMs),
      isCrowded && isUnused ? run({ type: "endScaling" }, { type: "scaleTo", unit: id, instances: 0 }) : stay,
      run({ type: "giveTurn", unit: id })
    )(state, world)
  }

/** The serving revision's files are damaged: starts it again beside its running instances, like a new revision. */
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
