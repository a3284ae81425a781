import { backoffMs } from "../../base/node/backoff.ts"

/**
 * The state machine of a watch: it lists, connects from the list's version, receives, and starts again if necessary. `watch.ts`
 * performs `nextMove` and the effects.
 */
export interface WatchState {
  /** The last known resource version; undefined if everything must be listed. */
  readonly version: string | undefined
  readonly connected: boolean
  /** Failures in a row. */
  readonly failures: number
  /** The outage is logged. */
  readonly away: boolean
}

export type WatchMove =
  | { readonly type: "list" }
  | { readonly type: "connect"; readonly version: string }
  | { readonly type: "receive" }

export type WatchHappening =
  | { readonly type: "listed"; readonly version: string }
  | { readonly type: "connected" }
  /** An object or bookmark of this version arrived. */
  | { readonly type: "received"; readonly version: string }
  /** The API server no longer knows the version, or a paged list took longer than it keeps its state. */
  | { readonly type: "expired" }
  /** `refused`: lasts until the cluster's administrator or a newer server fixes it. */
  | { readonly type: "failed"; readonly why: string; readonly refused: boolean }
  /** The connection ended, with its duration. */
  | { readonly type: "lost"; readonly how: "ended" | "gone" | "failed"; readonly afterMillis: number }

export type WatchEffect =
  | { readonly type: "close" }
  | { readonly type: "sayBack" }
  | { readonly type: "sayAway"; readonly why: string }
  /** Spread over time: at least half of it. */
  | { readonly type: "wait"; readonly longestMillis: number }

export interface WatchStep {
  readonly state: WatchState
  readonly effects: ReadonlyArray<WatchEffect>
}

const maxBackOffMillis = 5_000
/** How many failures in a row to keep quiet about: less than a second, as when a connection breaks. */
const quietFailures = 3
/** The back-off for a refusal that only the cluster's administrator can fix. */
const maxRefusedMillis = 30_000
/** Minimum duration of a connection: shorter ones would be reopened endlessly. */
const leastMillis = 1_000

export const unlisted: WatchState = { version: undefined, connected: false, failures: 0, away: false }

export const nextMove = ({ connected, version }: WatchState): WatchMove => {
  if (version === undefined) return { type: "list" }
  return connected ? { type: "receive" } : { type: "connect", version }
}

const back = (state: WatchState): WatchStep => ({
  state: { ...state, failures: 0, away: false },
  effects: state.away ? [{ type: "sayBack" }] : []
})

const waitAway = (before: WatchState, why: string, longest: number): WatchStep => {
  const failures = before.failures + 1
  const tells = failures > quietFailures && !before.away
  return {
    state: { ...before, failures, away: before.away || tells },
    effects: [
      ...(tells ? [{ type: "sayAway", why } as const] : []),
      { type: "wait", longestMillis: backoffMs({ baseMs: 125, maxMs: longest }, failures) }
    ]
  }
}

const lost = (before: WatchState, how: "ended" | "gone" | "failed", afterMillis: number): WatchStep => {
  const state = { ...before, connected: false, version: how === "gone" ? undefined : before.version }
  const waits = afterMillis < leastMillis ? waitAway(state, how, maxBackOffMillis) : { state, effects: [] }
  return { state: waits.state, effects: [{ type: "close" }, ...waits.effects] }
}

/** The new state and the effects after an event. */
export const watchStep = (state: WatchState, happening: WatchHappening): WatchStep => {
  switch (happening.type) {
    case "listed":
      return back({ ...state, version: happening.version })
    case "connected":
      return back({ ...state, connected: true })
    case "received":
      return { state: { ...state, version: happening.version }, effects: [] }
    case "expired":
      return { state: { ...state, version: undefined }, effects: [] }
    case "failed":
      return waitAway(state, happening.why, happening.refused ? maxRefusedMillis : maxBackOffMillis)
    case "lost":
      return lost(state, happening.how, happening.afterMillis)
  }
}
