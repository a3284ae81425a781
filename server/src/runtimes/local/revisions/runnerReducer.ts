import { inOrder } from "../machine.ts"
import { type FailureReason, firstSecondsMs } from "./failures.ts"
import { recordFailure, sayWhy } from "./recordFailure.ts"
import {
  change,
  changeEntry,
  type Entry,
  type EntryKey,
  inPhase,
  type RunnerEvent,
  type RunnerMove,
  type RunnerNext,
  type RunnerState,
  type RunnerWorld,
  run,
  stay
} from "./runnerMachine.ts"

/** A runner's reaction to its own or an instance's event. Pure: it depends only on `state` and `world`. */
export const stepRunner = (state: RunnerState, event: RunnerEvent, world: RunnerWorld): RunnerNext =>
  moveOf(event, state)(state, world)

const moveOf = (event: RunnerEvent, { entries }: RunnerState): RunnerMove => {
  const entry = "key" in event ? entries.get(event.key) : undefined
  switch (event.type) {
    case "scaleTo":
      return scaleTo(event.instances)
    case "retry":
      return retry
    case "forgive":
      return inOrder(change({ failure: undefined }), run({ type: "tellChange" }))
    case "stop":
      return stop(event.drainMs)
    case "retryDue":
      return reconcile
    default:
      return entry === undefined ? stay : moveOfEntry(event, entry)
  }
}

const moveOfEntry = (event: Extract<RunnerEvent, { readonly key: EntryKey }>, entry: Entry): RunnerMove => {
  switch (event.type) {
    case "launched":
      return launched(entry)
    case "becameReady":
      return becameReady(entry, event.launchMs)
    case "found":
      return inOrder(changeEntry(entry.key, { finding: event.finding }), run({ type: "tellChange" }))
    case "ended":
      return ended(entry, event.why)
    case "logClosed":
      return logClosed(entry)
    case "drained":
      return entry.phase === "draining" ? end(entry) : stay
    case "drainExpired":
      return end(entry)
    case "listens":
      return entry.phase === "ready" ? run({ type: "resumeInPool", key: entry.key }) : stay
    case "deaf":
      return deaf(entry)
  }
}

const scaleTo =
  (instances: number): RunnerMove =>
  (state, world) =>
    state.target === instances && instances === inPhase(state, "starting", "ready").length
      ? stay(state, world)
      : inOrder(
          change({ target: instances }),
          instances === 0 ? run({ type: "endRetry" }) : stay,
          reconcile,
          run({ type: "tellChange" })
        )(state, world)

/** Forgets failures and tries at once, with a new build. */
const retry: RunnerMove = inOrder(
  change({ failure: undefined, failures: 0, retryAtMs: 0, care: "fresh" }),
  run({ type: "endRetry" }),
  (state, world) => reconcile(state, world)
)

const stop =
  (drainMs: number): RunnerMove =>
  (state, world) =>
    inOrder(
      change({ closed: true, target: 0 }),
      run({ type: "endRetry" }),
      ...[...state.entries.values()].map((entry) =>
        entry.phase === "ending" ? callOff(entry) : drain(entry, drainMs)
      ),
      state.entries.size === 0 ? run({ type: "tellGone" }) : stay
    )(state, world)

/** Starts, drains or keeps instances until as many run as are wanted. */
const reconcile: RunnerMove = (state, world) => {
  if (state.closed) return stay(state, world)
  const live = inPhase(state, "starting", "ready")
  const missing = state.target - live.length
  if (missing >= 0) return fill(missing)(state, world)
  const weight = ({ key, phase }: Entry) => (phase === "starting" ? -1 : (world.inFlight.get(key) ?? 0))
  const least = [...live].sort((a, b) => weight(a) - weight(b)).slice(0, -missing)
  return inOrder(...least.map((value) => drain(value, state.drainMs)))(state, world)
}

const fill =
  (missing: number): RunnerMove =>
  (state, world) => {
    const back = inPhase(state, "draining").slice(0, missing)
    return inOrder(
      ...back.map(({ key }) =>
        inOrder(changeEntry(key, { phase: "ready" }), run({ type: "endDrain", key }, { type: "resumeInPool", key }))
      ),
      startMissing(missing - back.length, world.ready + back.length)
    )(state, world)
  }

const startMissing =
  (missing: number, ready: number): RunnerMove =>
  (state, world) => {
    if (missing === 0) return stay(state, world)
    const waitMs = state.retryAtMs - world.nowMs
    if (waitMs > 0) return run({ type: "retryIn", ms: waitMs })(state, world)
    // After a failure, one instance tries alone instead of all at once.
    const isCareful = state.failure !== undefined && ready === 0
    const count = isCareful ? (inPhase(state, "starting").length > 0 ? 0 : 1) : missing
    return count === 0
      ? stay(state, world)
      : inOrder(...Array.from({ length: count }, () => start), run({ type: "tellChange" }))(state, world)
  }

const start: RunnerMove = (state) => {
  const { care, nextKey: key } = state
  const entry: Entry = {
    key,
    phase: "starting",
    isLaunched: false,
    hasFailed: false,
    finding: undefined,
    readyAtMs: undefined
  }
  return {
    state: { ...state, nextKey: key + 1, care: "quick", entries: new Map(state.entries).set(key, entry) },
    effects: [{ type: "start", key, care }]
  }
}

/** An instance that should stop during its start is stopped now that it exists. */
const launched = ({ key, phase }: Entry): RunnerMove =>
  inOrder(changeEntry(key, { isLaunched: true }), phase === "ending" ? run({ type: "stopInstance", key }) : stay)

const becameReady =
  ({ key, phase }: Entry, launchMs: number): RunnerMove =>
  (state, world) =>
    phase !== "starting"
      ? stay(state, world)
      : inOrder(
          changeEntry(key, { phase: "ready", readyAtMs: world.nowMs }),
          change({ launchMs }),
          state.failure === undefined ? stay : run({ type: "proveIn", key, ms: firstSecondsMs }),
          run({ type: "addToPool", key }),
          (next) => reconcile(next, { ...world, ready: world.ready + 1 }),
          run({ type: "tellChange" })
        )(state, world)

const drain = (entry: Entry, capMs: number): RunnerMove => {
  const { key, phase } = entry
  if (phase === "starting" || capMs <= 0) return end(entry)
  if (phase === "ending" || phase === "over") return stay
  return inOrder(
    changeEntry(key, { phase: "draining" }),
    run({ type: "drainWithin", key, ms: capMs }, { type: "drainInPool", key })
  )
}

const end = (entry: Entry): RunnerMove => {
  const { isLaunched, key, phase } = entry
  if (phase === "ending" || phase === "over") return stay
  return inOrder(
    changeEntry(key, { phase: "ending" }),
    run({ type: "endProof", key }, { type: "endDrain", key }, { type: "removeFromPool", key }),
    isLaunched
      ? run({ type: "stopInstance", key })
      : (state, world) => (state.closed ? callOff(entry) : stay)(state, world)
  )
}

/** Cancels a start, but not because nobody asks any more: a build longer than callers wait would start again each time. */
const callOff = ({ isLaunched, key }: Entry): RunnerMove => (isLaunched ? stay : run({ type: "callOff", key }))

/** The instance is gone: reports why. */
const ended =
  ({ key, phase, readyAtMs }: Entry, why: FailureReason | undefined): RunnerMove =>
  (state, world) => {
    const failed = why !== undefined && (phase === "starting" || phase === "ready") && !state.closed
    return inOrder(
      // A check that is still running, because a request got no answer, doesn't count this end again.
      changeEntry(key, { phase: "over", hasFailed: failed }),
      run({ type: "endProof", key }, { type: "endDrain", key }, { type: "removeFromPool", key }),
      failed ? inOrder(recordFailure(readyAtMs, why), sayWhy(key, why)) : stay
    )(state, world)
  }

/** Its log is complete: another instance starts if one is wanted. */
const logClosed =
  ({ hasFailed, key }: Entry): RunnerMove =>
  (state, world) => {
    const entries = new Map(state.entries)
    entries.delete(key)
    return inOrder(
      change({ entries }),
      run({ type: "forget", key }),
      reconcile,
      hasFailed ? run({ type: "tellFailure" }) : stay,
      run({ type: "tellChange" }),
      (next, one) => (next.closed && next.entries.size === 0 ? run({ type: "tellGone" }) : stay)(next, one)
    )(state, world)
  }

/** It never accepted connections again, so it is replaced. */
const deaf = (entry: Entry): RunnerMove =>
  entry.phase === "ready"
    ? inOrder(
        recordFailure(entry.readyAtMs, {
          reason: "NotListening",
          message: "the instance no longer accepts connections",
          retryable: true
        }),
        end(entry),
        reconcile,
        run({ type: "tellFailure" })
      )
    : stay
