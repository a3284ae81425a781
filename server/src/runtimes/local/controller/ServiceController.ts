import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { RuntimeRevision } from "../../port/conditions.ts"
import { makeServiceRoute, type RouteTarget, type ServiceRoute } from "../activator/ServiceRoute.ts"
import type { Instance } from "../instances/Instance.ts"
import { runMachine } from "../machine.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { type RunnableRevision, type ServiceObject, storedOf } from "../objects/ServiceObject.ts"
import { revisionsOf } from "../objects/ServiceRecord.ts"
import type { LinkNetwork } from "../revisions/Links.ts"
import type { RevisionRunner } from "../revisions/RevisionRunner.ts"
import { overdueRequest, refusalOfRequest } from "./requestRefusals.ts"
import { makeScaling } from "./Scaling.ts"
import type { StartLimiter } from "./StartLimiter.ts"
import { initialState, type ServiceEffect, type ServiceEvent, type Unit, type World } from "./serviceMachine.ts"
import { stepService } from "./serviceReducer.ts"
import { makeServiceRunners, type RunnerHooks, type ServiceRunners } from "./serviceRunners.ts"
import type { SettleBounds } from "./settling.ts"
import { statusOfService } from "./statusOfService.ts"
import type { Ticker } from "./Ticker.ts"

export interface ControllerInput {
  readonly object: ServiceObject
  readonly ticker: Ticker
  readonly limiter: StartLimiter
  readonly settle: SettleBounds
  readonly now: () => number
  /** `care`: how thoroughly its build is checked before its first start. */
  readonly makeRunner: (
    object: ServiceObject,
    revision: RunnableRevision,
    hooks: RunnerHooks,
    care: Care
  ) => RevisionRunner
  /** A request woke it, and an instance was ready after this many milliseconds. */
  readonly onColdStart: (ms: number) => void
  /** The status has changed: store and publish it. */
  readonly onStatus: (controller: ServiceController) => void
}

/**
 * Runs one service: its revisions, from the newest that is starting to the old ones that drain, and the route of requests to
 * them.
 */
export interface ServiceController {
  readonly object: () => ServiceObject
  readonly stored: () => LocalObject
  readonly route: ServiceRoute
  readonly status: () => ControllerStatus
  readonly revisions: () => ReadonlyArray<RuntimeRevision>
  /** One of its running instances. */
  readonly instance: (id: string) => Instance | undefined
  /** Accepts a changed object, with its new revision if it has one. */
  readonly update: (object: ServiceObject, created: RunnableRevision | undefined) => void
  readonly setLinkPort: (network: LinkNetwork, port: number) => void
  /** After a restart: restores the stored revisions. */
  readonly restore: (serving: RunnableRevision | undefined, newest: RunnableRevision | undefined) => void
  /** Tries the newest revision again if it failed. */
  readonly retryFailed: () => void
  /** Gives up the newest revision if it isn't ready: it never receives requests unless it is tried again. */
  readonly abandon: () => void
  /** The serving revision's files are damaged: starts it again beside its running instances, like a new revision. */
  readonly renew: (revision: RunnableRevision) => void
  /** The serving revision. */
  readonly serving: () => RunnableRevision | undefined
  /** For good. Open requests may finish if it is removed. Resolves when all instances have ended. */
  readonly stop: (how: "removal" | "now", reason: string) => Promise<void>
  /** The longest grace period of its instances, in milliseconds. */
  readonly graceMs: () => number
}

export type ControllerStatus = ReturnType<typeof statusOfService>

/** Carries out the decisions of `stepService`: it has the runners, the route and the autoscaler, but decides nothing. */
export const makeServiceController = (input: ControllerInput): ServiceController => {
  const { limiter, now, ticker } = input
  const { key } = input.object

  const world = (): World => ({
    nowMs: now(),
    waiting: route.waiting(),
    queued: limiter.waiting(),
    units: runners.seen()
  })

  const machine = runMachine(
    initialState(input.object, input.settle),
    (state, event: ServiceEvent) => stepService(state, event, world()),
    (effect) => carryOut(effect)
  )
  const { state } = machine
  const handle = (...events: ReadonlyArray<ServiceEvent>) =>
    machine.dispatch(...events, { type: "looked", at: new Date() })
  const look = () => handle()

  const route = makeServiceRoute(`${key.organization}/${key.namespace}/${key.service}`, {
    beforeHold: () => refusalOfRequest(state(), world()),
    // Requests may arrive by the thousand, so check their effects later, in one go.
    onHold: () => machine.dispatch({ type: "requestHeld" }),
    explain: (waitedMs) => overdueRequest(state(), world(), waitedMs)
  })

  const runners = makeServiceRunners({
    limiter,
    state,
    handle,
    onRoom: route.pump,
    makeRunner: (revision, hooks, care) => input.makeRunner(state().object, revision, hooks, care)
  })

  const { waiting, pump } = route
  const scaling = makeScaling({ ticker, waiting, pump, afterBeat: look })

  const beginScaling = (unit: Unit) => {
    const runner = runners.of(unit)
    if (runner !== undefined) scaling.begin(runner, unit.revision.template)
  }

  const carryOut = (effect: ServiceEffect): void => {
    if (effect.type === "makeRunner") runners.make(effect.unit, effect.care)
    else if (effect.type === "beginScaling") beginScaling(effect.unit)
    else if (effect.type === "endScaling") scaling.end()
    else if (effect.type === "route") route.setTarget(targetOf(effect.to, runners))
    else if (effect.type === "refuse") route.refuseAll(effect.error)
    else if (effect.type === "coldStart") input.onColdStart(effect.ms)
    else if (effect.type === "tell") input.onStatus(controller)
    else runners.run(effect)
  }

  const controller: ServiceController = {
    object: () => state().object,
    stored: () => storedOf(state().object),
    route,
    instance: (id) => firstOf(runners.all(), (one) => one.instance(id)),
    status: () => {
      look()
      return statusOfService(state(), world())
    },
    revisions: () => revisionsOf(key.service, state().object.record, (name) => instancesOf(name, runners)),
    update: (object, created) => handle({ type: "updated", object, created }),
    setLinkPort: (network, port) => handle({ type: "linkPort", network, port }),
    restore: (serving, newest) => handle({ type: "restored", serving, newest }),
    retryFailed: () => handle({ type: "retried" }),
    abandon: () => handle({ type: "abandoned" }),
    renew: (revision) => handle({ type: "damaged", revision }),
    serving: () => (state().object.paused || state().deleting ? undefined : state().serving?.revision),
    stop: async (how, reason) => {
      handle({ type: "stopped", reason })
      await Promise.all(runners.all().map((each) => each.stop(how === "removal" ? each.removalDrainMs : 0)))
    },
    graceMs: () => Math.max(0, ...runners.all().map((each) => each.graceMs))
  }
  return controller
}

const targetOf = (unit: Unit | undefined, runners: ServiceRunners): RouteTarget | undefined => {
  const runner = runners.of(unit)
  if (unit === undefined || runner === undefined) return undefined
  const { protocol, timeoutMs } = unit.revision.template
  return { pool: runner.pool, protocol, timeoutMs }
}

const firstOf = <A, B>(all: ReadonlyArray<A>, find: (one: A) => B | undefined): B | undefined =>
  all.map(find).find((value) => value !== undefined)

const instancesOf = (revision: string, runners: ServiceRunners): number =>
  firstOf(runners.all(), (one) => (one.revision === revision ? one.all() : undefined)) ?? 0
