import type { Diagnosis } from "@maxcloud/sdk/api"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { Move, Next } from "../machine.ts"
import type { BackoffConfig } from "./backoff.ts"
import type { FailureReason } from "./failures.ts"

/** Why the last start failed, or the last instance ended; cleared once another has outlived its first seconds. */
export interface RunnerFailure extends FailureReason {
  /** Failures in a row. */
  readonly count: number
  /** Monotonic milliseconds of the next attempt (`performance.now()`). */
  readonly retryAtMs: number
  /** The same time by the wall clock, for messages. */
  readonly retryAt: Date
}

/** Identifies an instance from the decision to start it until its log is closed. */
export type EntryKey = number

export interface Entry {
  readonly key: EntryKey
  /** `over`: the instance is gone, and its end was recorded. */
  readonly phase: "starting" | "ready" | "draining" | "ending" | "over"
  /** A part of it is running. */
  readonly isLaunched: boolean
  /** It ended on its own. */
  readonly hasFailed: boolean
  readonly finding: Diagnosis | undefined
  readonly readyAtMs: number | undefined
}

export interface RunnerState {
  readonly backoff: BackoffConfig
  /** Maximum time for requests in progress on a leaving instance. */
  readonly drainMs: number
  readonly target: number
  readonly closed: boolean
  readonly failure: RunnerFailure | undefined
  /** Failures in a row. */
  readonly failures: number
  readonly retryAtMs: number
  /** Milliseconds from launch to readiness for the instance that became ready last. */
  readonly launchMs: number
  /** How thoroughly to check the build at the next start. */
  readonly care: Care
  readonly entries: ReadonlyMap<EntryKey, Entry>
  readonly nextKey: EntryKey
}

/** The runner's surroundings at an event. */
export interface RunnerWorld {
  /** Monotonic milliseconds. */
  readonly nowMs: number
  /** The same time by the wall clock, for messages. */
  readonly now: Date
  /** Instances that accept requests. */
  readonly ready: number
  readonly inFlight: ReadonlyMap<EntryKey, number>
}

export type RunnerEvent =
  | { readonly type: "scaleTo"; readonly instances: number }
  | { readonly type: "retry" }
  /** It became ready despite earlier failures: stops reporting them. */
  | { readonly type: "forgive" }
  /** For good. */
  | { readonly type: "stop"; readonly drainMs: number }
  | { readonly type: "retryDue" }
  | { readonly type: "launched"; readonly key: EntryKey }
  | { readonly type: "becameReady"; readonly key: EntryKey; readonly launchMs: number }
  | { readonly type: "found"; readonly key: EntryKey; readonly finding: Diagnosis | undefined }
  /** The instance is gone. Without a reason, we stopped it. */
  | { readonly type: "ended"; readonly key: EntryKey; readonly why: FailureReason | undefined }
  | { readonly type: "logClosed"; readonly key: EntryKey }
  /** It has answered its last request. */
  | { readonly type: "drained"; readonly key: EntryKey }
  | { readonly type: "drainExpired"; readonly key: EntryKey }
  /** It dropped a request, and accepts connections again. */
  | { readonly type: "listens"; readonly key: EntryKey }
  /** It dropped a request, and no longer accepts connections. */
  | { readonly type: "deaf"; readonly key: EntryKey }

export type RunnerEffect =
  | { readonly type: "start"; readonly key: EntryKey; readonly care: Care }
  | { readonly type: "stopInstance"; readonly key: EntryKey }
  /** Cancels a start of which nothing runs yet, such as a build. */
  | { readonly type: "callOff"; readonly key: EntryKey }
  | { readonly type: "addToPool"; readonly key: EntryKey }
  | { readonly type: "drainInPool"; readonly key: EntryKey }
  | { readonly type: "resumeInPool"; readonly key: EntryKey }
  | { readonly type: "removeFromPool"; readonly key: EntryKey }
  /** Forgives earlier failures once it has outlived its first seconds. */
  | { readonly type: "proveIn"; readonly key: EntryKey; readonly ms: number }
  | { readonly type: "drainWithin"; readonly key: EntryKey; readonly ms: number }
  | { readonly type: "endProof"; readonly key: EntryKey }
  | { readonly type: "endDrain"; readonly key: EntryKey }
  | { readonly type: "retryIn"; readonly ms: number }
  | { readonly type: "endRetry" }
  | { readonly type: "say"; readonly key: EntryKey; readonly line: string }
  /** Nothing of the instance is left. */
  | { readonly type: "forget"; readonly key: EntryKey }
  | { readonly type: "tellChange" }
  | { readonly type: "tellFailure" }
  /** Nothing of a stopped runner is left. */
  | { readonly type: "tellGone" }

export type InstanceEffect = Exclude<
  Extract<RunnerEffect, { readonly key: EntryKey }>,
  { readonly type: "start" | "forget" }
>

export type RunnerMove = Move<RunnerState, RunnerWorld, RunnerEffect>
export type RunnerNext = Next<RunnerState, RunnerEffect>

export const initialRunner = (backoff: BackoffConfig, drainMs: number, care: Care): RunnerState => ({
  backoff,
  drainMs,
  target: 0,
  closed: false,
  failure: undefined,
  failures: 0,
  retryAtMs: 0,
  launchMs: 0,
  care,
  entries: new Map(),
  nextKey: 1
})

export const inPhase = (
  { entries }: Pick<RunnerState, "entries">,
  ...phases: ReadonlyArray<Entry["phase"]>
): ReadonlyArray<Entry> => [...entries.values()].filter((entry) => phases.includes(entry.phase))

export const stay: RunnerMove = (state) => ({ state, effects: [] })

export const run =
  (...effects: ReadonlyArray<RunnerEffect>): RunnerMove =>
  (state) => ({ state, effects })

export const change =
  (changes: Partial<RunnerState>): RunnerMove =>
  (state) => ({ state: { ...state, ...changes }, effects: [] })

export const changeEntry =
  (key: EntryKey, changes: Partial<Entry>): RunnerMove =>
  (state) => {
    const entry = state.entries.get(key)
    if (entry === undefined) return { state, effects: [] }
    return { state: { ...state, entries: new Map(state.entries).set(key, { ...entry, ...changes }) }, effects: [] }
  }
