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
  /** How often in a row its version had expired before anything arrived. */
  readonly expiries: number
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
/**
 * Before the first new list. After an outage all watches of all servers may have to list at once, and the API server must not get
 * all lists in the same moment.
 */
const relistMillis = 500
/** Minimum duration of a connection: shorter ones would be reopened endlessly. */
const leastMillis = 1_000

export const unlisted: WatchState = { version: undefined, connected: false, failures: 0, expiries: 0, away: false }

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

/** Everything must be listed again. An API server that forgets each version at once isn't asked for endless lists. */
const relist = (before: WatchState): WatchStep => ({
  state: { ...before, version: undefined, expiries: before.expiries + 1 },
  effects: [
    { type: "wait", longestMillis: backoffMs({ baseMs: relistMillis, maxMs: maxRefusedMillis }, before.expiries) }
  ]
})

const lost = (before: WatchState, how: "ended" | "gone" | "failed", afterMillis: number): WatchStep => {
  const state = { ...before, connected: false }
  if (how === "gone") {
    const { effects, state: after } = relist(state)
    return { state: after, effects: [{ type: "close" }, ...effects] }
  }
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
      return { state: { ...state, version: happening.version, expiries: 0 }, effects: [] }
    case "expired":
      return relist(state)
    case "failed":
      return waitAway(state, happening.why, happening.refused ? maxRefusedMillis : maxBackOffMillis)
    case "lost":
      return lost(state, happening.how, happening.afterMillis)
  }
}
