import type { Lease, Outcome } from "./WorkQueue.ts"

/**
 * The leases of this process, and what it does about them, as a state machine: `workers.ts` performs the effects of
 * `dispatchStep`.
 */
export interface DispatchState {
  /** Maximum number of concurrent passes. */
  readonly limit: number
  /** By token. */
  readonly held: ReadonlyMap<string, Lease>
}

export type DispatchEvent =
  /** Check the queue: something was added, a worker is free, or time has passed. */
  | { readonly type: "woken" }
  | { readonly type: "claimed"; readonly leases: ReadonlyArray<Lease> }
  /** Milliseconds until the next key is due; undefined if none waits. */
  | { readonly type: "nextKnown"; readonly inMs: number | undefined }
  | { readonly type: "queueUnreadable" }
  | { readonly type: "passEnded"; readonly lease: Lease; readonly end: PassEnd }
  | { readonly type: "givenBack"; readonly lease: Lease }
  | { readonly type: "finishFailed"; readonly lease: Lease; readonly outcome: Outcome }

/** `lost`: another worker may have the key. `failed`: the database refused, or the pass broke. */
export type PassEnd =
  | { readonly type: "outcome"; readonly outcome: Outcome }
  | { readonly type: "lost" }
  | { readonly type: "failed" }

export type DispatchEffect =
  | { readonly type: "claim"; readonly most: number }
  | { readonly type: "start"; readonly lease: Lease }
  | { readonly type: "askNext" }
  /** Until woken, but at most this long. */
  | { readonly type: "wait"; readonly ms: number }
  /** Waits regardless of other events. */
  | { readonly type: "pause"; readonly ms: number }
  | { readonly type: "finish"; readonly lease: Lease; readonly outcome: Outcome }

export interface DispatchStep {
  readonly state: DispatchState
  readonly effects: ReadonlyArray<DispatchEffect>
}

/** How often to check the queue without a wake-up. */
export const lookMs = 5_000
const pauseMs = 1_000
/** After a fault, the lease is returned if possible, and otherwise expires. */
const afterFailure: Outcome = { _tag: "retry", afterMs: 1_000, failed: true }

export const nothingHeld = (limit: number): DispatchState => ({ limit, held: new Map() })

const isFree = ({ held, limit }: DispatchState) => held.size < limit

const without = (state: DispatchState, { token }: Lease): DispatchState => ({
  ...state,
  held: new Map([...state.held].filter(([held]) => held !== token))
})

/** The next effects. After an event of the loop (`woken` to `queueUnreadable`), the loop continues with the last effect. */
export const dispatchStep = (state: DispatchState, event: DispatchEvent): DispatchStep => {
  switch (event.type) {
    case "woken":
      return {
        state,
        effects: [isFree(state) ? { type: "claim", most: state.limit - state.held.size } : { type: "wait", ms: lookMs }]
      }
    case "claimed": {
      const held = new Map([...state.held, ...event.leases.map((lease) => [lease.token, lease] as const)])
      const next = { ...state, held }
      const starts = event.leases.map((lease) => ({ type: "start", lease }) as const)
      return { state: next, effects: [...starts, isFree(next) ? { type: "askNext" } : { type: "wait", ms: lookMs }] }
    }
    case "nextKnown":
      return { state, effects: [{ type: "wait", ms: Math.max(1, Math.min(event.inMs ?? lookMs, lookMs)) }] }
    case "queueUnreadable":
      return { state, effects: [{ type: "pause", ms: pauseMs }] }
    case "passEnded": {
      const { end, lease } = event
      // Leave keys alone that another worker may be processing.
      if (end.type === "lost") return { state: without(state, lease), effects: [] }
      const outcome = end.type === "outcome" ? end.outcome : afterFailure
      return { state, effects: [{ type: "finish", lease, outcome }] }
    }
    case "givenBack":
      return { state: without(state, event.lease), effects: [] }
    case "finishFailed":
      return event.outcome === afterFailure
        ? { state: without(state, event.lease), effects: [] }
        : { state, effects: [{ type: "finish", lease: event.lease, outcome: afterFailure }] }
  }
}
