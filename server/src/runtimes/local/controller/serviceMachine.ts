import type { Diagnosis } from "@maxcloud/sdk/api"
import type { NoInstance } from "../../../base/proxy/Route.ts"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { Move, Next } from "../machine.ts"
import type { RunnableRevision, ServiceObject } from "../objects/ServiceObject.ts"
import type { ServiceRecord } from "../objects/ServiceRecord.ts"
import type { LinkNetwork } from "../revisions/Links.ts"
import type { RunnerFailure } from "../revisions/runnerMachine.ts"
import type { SettleBounds } from "./settling.ts"

/** Identifies a runner of this service. A revision that is tried again gets a new runner and so a new id. */
export type UnitId = number

/** A revision and its runner. */
export interface Unit {
  readonly id: UnitId
  readonly revision: RunnableRevision
}

/** The newest revision until it serves. */
export interface Candidate extends Unit {
  /** It starts when the previous instances have exited. */
  readonly waits: boolean
  /** The time of its first failure. */
  readonly failingSinceMs: number | undefined
  /** It has failed for good. */
  readonly over: boolean
  /** A failed start is retried until this time. */
  readonly deadlineMs: number
}

export interface ServiceState {
  readonly object: ServiceObject
  readonly settle: SettleBounds
  readonly serving: Unit | undefined
  readonly candidate: Candidate | undefined
  /** The newest, not yet ready revision of a paused service. */
  readonly held: RunnableRevision | undefined
  /** Stopping runners. A candidate that has failed for good is among them, and stays the candidate. */
  readonly leaving: ReadonlySet<UnitId>
  /** True after a restart, until the serving revision has an instance again or fails. */
  readonly restoring: boolean
  /** When a request woke it. Undefined once an instance is ready. */
  readonly wokenAtMs: number | undefined
  /** When a build's last line was put into the status. */
  readonly buildToldAtMs: number
  readonly deleting: boolean
  readonly nextId: UnitId
  /** The last published status. */
  readonly told: string
}

/** A runner's state as the machine sees it; `RevisionRunner` explains the fields. */
export interface Seen {
  readonly target: number
  readonly running: number
  readonly ready: number
  readonly proved: number
  readonly all: number
  readonly launchMs: number
  /** Requests in progress, and those waiting for it. */
  readonly inFlight: number
  readonly failure: RunnerFailure | undefined
  readonly diagnosis: Diagnosis | undefined
}

/** The machine's surroundings at an event. Times are monotonic milliseconds. */
export interface World {
  readonly nowMs: number
  /** Requests that are held. */
  readonly waiting: number
  /** Number of services in the queue of first starts. */
  readonly queued: number
  readonly units: ReadonlyMap<UnitId, Seen>
}

export type ServiceEvent =
  /** A changed object, with its new revision if it has one. */
  | { readonly type: "updated"; readonly object: ServiceObject; readonly created: RunnableRevision | undefined }
  | { readonly type: "linkPort"; readonly network: LinkNetwork; readonly port: number }
  | {
      readonly type: "restored"
      readonly serving: RunnableRevision | undefined
      readonly newest: RunnableRevision | undefined
    }
  | { readonly type: "retried" }
  | { readonly type: "abandoned" }
  | { readonly type: "damaged"; readonly revision: RunnableRevision }
  | { readonly type: "stopped"; readonly reason: string }
  /** A request is held: instances are needed. */
  | { readonly type: "requestHeld" }
  /** Its turn in the queue of first starts has come. */
  | { readonly type: "turnCame"; readonly unit: UnitId }
  | { readonly type: "runnerChanged"; readonly unit: UnitId }
  | { readonly type: "runnerFailed"; readonly unit: UnitId }
  /** Also if it never becomes ready: the next instance runs the same image, wherever its tag points by then. */
  | { readonly type: "launched"; readonly revision: string; readonly resolvedImage: string }
  | { readonly type: "buildLine"; readonly revision: string; readonly line: string }
  /** Without a line the pull is finished. */
  | { readonly type: "pullLine"; readonly revision: string; readonly line: string | undefined }
  /** It has stayed up long enough. */
  | { readonly type: "settled"; readonly unit: UnitId }
  /** All its instances have ended. */
  | { readonly type: "left"; readonly unit: UnitId }
  /** Follows every other event after its effects have run, and every beat: updates the status. */
  | { readonly type: "looked"; readonly at: Date }

export type ServiceEffect =
  | { readonly type: "makeRunner"; readonly unit: Unit; readonly care: Care }
  /** Queues for a first start. */
  | { readonly type: "enter"; readonly unit: UnitId }
  /** A request needs it: it starts at once. */
  | { readonly type: "hurry"; readonly unit: UnitId }
  /** Its first start is finished: its place goes to the next one. */
  | { readonly type: "giveTurn"; readonly unit: UnitId }
  | { readonly type: "scaleTo"; readonly unit: UnitId; readonly instances: number }
  | { readonly type: "retry"; readonly unit: UnitId }
  | { readonly type: "forgive"; readonly unit: UnitId }
  | { readonly type: "settle"; readonly unit: UnitId; readonly ms: number }
  | { readonly type: "unsettle"; readonly unit: UnitId }
  /** Gives up its place, its wait and, after at most `drainMs`, its instances. */
  | { readonly type: "leave"; readonly unit: UnitId; readonly drainMs: number }
  /** From now on the autoscaler decides. */
  | { readonly type: "beginScaling"; readonly unit: Unit }
  | { readonly type: "endScaling" }
  /** Sends requests to this revision. */
  | { readonly type: "route"; readonly to: Unit | undefined }
  /** Refuses the held requests. */
  | { readonly type: "refuse"; readonly error: NoInstance }
  | { readonly type: "coldStart"; readonly ms: number }
  | { readonly type: "tell" }

export type ServiceMove = Move<ServiceState, World, ServiceEffect>
export type ServiceNext = Next<ServiceState, ServiceEffect>

export const initialState = (object: ServiceObject, settle: SettleBounds): ServiceState => ({
  object,
  settle,
  serving: undefined,
  candidate: undefined,
  held: undefined,
  leaving: new Set(),
  restoring: false,
  wokenAtMs: undefined,
  buildToldAtMs: Number.NEGATIVE_INFINITY,
  deleting: false,
  nextId: 1,
  told: ""
})

const nothing: Seen = {
  target: 0,
  running: 0,
  ready: 0,
  proved: 0,
  all: 0,
  launchMs: 0,
  inFlight: 0,
  failure: undefined,
  diagnosis: undefined
}

/** The view of a unit that doesn't exist or was just created. */
export const seenOf = ({ units }: World, unit: Unit | undefined): Seen =>
  (unit === undefined ? undefined : units.get(unit.id)) ?? nothing

/** A service's runners, each once. */
export const unitsOf = ({ candidate, leaving, serving }: ServiceState): ReadonlySet<UnitId> =>
  new Set([...[serving, candidate].flatMap((each) => each?.id ?? []), ...leaving])

export const stay: ServiceMove = (state) => ({ state, effects: [] })

export const run =
  (...effects: ReadonlyArray<ServiceEffect>): ServiceMove =>
  (state) => ({ state, effects })

export const change =
  (changes: Partial<ServiceState>): ServiceMove =>
  (state) => ({ state: { ...state, ...changes }, effects: [] })

export const changeRecord =
  (changed: (record: ServiceRecord) => ServiceRecord): ServiceMove =>
  (state) => ({ state: { ...state, object: { ...state.object, record: changed(state.object.record) } }, effects: [] })
