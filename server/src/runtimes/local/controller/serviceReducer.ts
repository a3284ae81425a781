import { stripVTControlCharacters } from "node:util"
import { building, pulling } from "../../port/Runtime.ts"
import { inOrder } from "../machine.ts"
import { changeRevision } from "../objects/ServiceRecord.ts"
import { abandon, candidateFailed, retryFailed, servingFailed } from "./failing.ts"
import { beginHeld, pause, resume } from "./pausing.ts"
import { refusalsOf } from "./requestRefusals.ts"
import { restore } from "./restoring.ts"
import { deploying, drop, renew, settle, settled, startCandidate } from "./rollout.ts"
import {
  change,
  changeRecord,
  run,
  type ServiceEvent,
  type ServiceMove,
  type ServiceNext,
  type ServiceState,
  seenOf,
  stay,
  type UnitId,
  type World
} from "./serviceMachine.ts"
import { look } from "./statusOfService.ts"

/** Minimum time that a line of a build stays in the status. */
const buildLineMs = 1_000
const buildLineLength = 200
const shortLine = (line: string): string =>
  stripVTControlCharacters(line)
    .replace(/[^\P{C}]/gu, " ")
    .trim()
    .slice(0, buildLineLength)

/** A service's reaction to an event. Pure: it depends only on `state` and `world`. */
export const stepService = (state: ServiceState, event: ServiceEvent, world: World): ServiceNext =>
  (state.deleting ? moveWhileDeleting(event) : moveOf(event))(state, world)

/** A service that is being removed starts nothing any more. */
const moveWhileDeleting = (event: ServiceEvent): ServiceMove =>
  event.type === "looked" || event.type === "linkPort" || event.type === "left" || event.type === "stopped"
    ? moveOf(event)
    : stay

const moveOf = (event: ServiceEvent): ServiceMove => {
  switch (event.type) {
    case "updated":
      return update(event)
    case "linkPort":
      return changeRecord((one) => ({ ...one, linkPorts: { ...one.linkPorts, [event.network]: event.port } }))
    case "restored":
      return restore(event.serving, event.newest)
    case "retried":
      return retryFailed
    case "abandoned":
      return abandon
    case "damaged":
      return renew(event.revision)
    case "stopped":
      return stop(event.reason)
    case "requestHeld":
      return wake
    case "turnCame":
      return turnCame(event.unit)
    case "runnerChanged":
      return runnerChanged(event.unit)
    case "runnerFailed":
      return runnerFailed(event.unit)
    case "launched":
      return changeRecord((one) => changeRevision(one, event.revision, { resolvedImage: event.resolvedImage }))
    case "buildLine":
      return tellBuild(event.revision, event.line)
    case "pullLine":
      return tellPull(event.revision, event.line)
    case "settled":
      return (state, world) => (state.candidate?.id === event.unit ? settled(state.candidate) : stay)(state, world)
    case "left":
      return left(event.unit)
    case "looked":
      return look(event.at)
  }
}

const update =
  ({ created, object }: Extract<ServiceEvent, { readonly type: "updated" }>): ServiceMove =>
  (before, world) => {
    const wasPaused = before.object.paused
    const superseded = created === undefined ? undefined : (before.candidate?.revision ?? before.held)
    const reason = { reason: "Superseded", message: "A newer revision was created before this one was ready" } as const
    return inOrder(
      change({ object }),
      created === undefined ? stay : inOrder(drop, change({ held: created })),
      superseded === undefined ? stay : changeRecord((one) => changeRevision(one, superseded.name, reason)),
      object.paused ? (!wasPaused || created !== undefined ? pause : stay) : wasPaused ? resume : beginHeld
    )(before, world)
  }

const stop =
  (reason: string): ServiceMove =>
  (state, world) => {
    const { candidate, restoring, serving } = state
    return inOrder(
      change({ deleting: true, restoring: false }),
      run(
        ...(candidate === undefined
          ? []
          : [{ type: "giveTurn", unit: candidate.id } as const, { type: "unsettle", unit: candidate.id } as const]),
        ...(restoring && serving !== undefined ? [{ type: "giveTurn", unit: serving.id } as const] : []),
        { type: "endScaling" },
        { type: "refuse", error: refusalsOf(state, world).removed(reason) }
      )
    )(state, world)
  }

const wake: ServiceMove = (state, world) => {
  const { candidate, serving: unit } = state
  if (unit === undefined)
    return (candidate === undefined ? stay : run({ type: "hurry", unit: candidate.id }))(state, world)
  const instances = Math.max(1, unit.revision.template.scale.activationScale ?? 0)
  return inOrder(
    seenOf(world, unit).target === 0
      ? inOrder(change({ wokenAtMs: world.nowMs }), run({ type: "scaleTo", unit: unit.id, instances }))
      : stay,
    run({ type: "beginScaling", unit })
  )(state, world)
}

const turnCame =
  (id: UnitId): ServiceMove =>
  (state, world) => {
    const { candidate, restoring, serving } = state
    if (candidate?.id === id)
      return run({ type: "scaleTo", unit: id, instances: candidate.revision.template.initialScale })(state, world)
    if (serving?.id !== id || !restoring) return stay(state, world)
    const instances = Math.max(seenOf(world, serving).target, serving.revision.template.min, 1)
    return run({ type: "scaleTo", unit: id, instances }, { type: "beginScaling", unit: serving })(state, world)
  }

const runnerChanged =
  (id: UnitId): ServiceMove =>
  (state, world) => {
    const { candidate, serving, wokenAtMs } = state
    if (candidate?.id === id) return settle(candidate)(state, world)
    return wokenAtMs !== undefined && serving?.id === id && seenOf(world, serving).ready > 0
      ? inOrder(change({ wokenAtMs: undefined }), run({ type: "coldStart", ms: world.nowMs - wokenAtMs }))(state, world)
      : stay(state, world)
  }

const runnerFailed =
  (id: UnitId): ServiceMove =>
  (state, world) => {
    const { candidate, serving } = state
    if (candidate?.id === id) return candidateFailed(candidate)(state, world)
    return (serving?.id === id ? servingFailed(serving) : stay)(state, world)
  }

/** Shows in the service's status what a build does, about once a second. */
const tellBuild =
  (revision: string, line: string): ServiceMove =>
  (state, world) => {
    const known = state.object.record.revisions.find((each) => each.name === revision)
    const isStep = line.startsWith("$ ")
    if (known?.ready !== "Unknown" || (!isStep && world.nowMs - state.buildToldAtMs < buildLineMs))
      return stay(state, world)
    return inOrder(
      change({ buildToldAtMs: world.nowMs }),
      changeRecord((one) => changeRevision(one, revision, { reason: building, message: shortLine(line) }))
    )(state, world)
  }

/** Shows in the service's status how far the pull of its image is. */
const tellPull =
  (revision: string, line: string | undefined): ServiceMove =>
  (state, world) => {
    const known = state.object.record.revisions.find((each) => each.name === revision)
    if (known?.ready !== "Unknown" || (line === undefined && known.reason !== pulling)) return stay(state, world)
    return changeRecord((one) =>
      changeRevision(one, revision, line === undefined ? deploying : { reason: pulling, message: line })
    )(state, world)
  }

/** A revision with exclusive use of its folder starts when the last of the previous instances has exited. */
const left =
  (id: UnitId): ServiceMove =>
  (state, world) =>
    inOrder(
      change({ leaving: new Set([...state.leaving].filter((value) => value !== id)) }),
      state.candidate?.waits === true && !state.deleting ? startCandidate : stay
    )(state, world)
