import { restartBackoffMs } from "./backoff.ts"
import type { FailureReason } from "./failures.ts"
import { type EntryKey, type RunnerMove, run } from "./runnerMachine.ts"

/** Counts another failure in a row. The count restarts if the instance had been ready for long enough. */
export const recordFailure =
  (readyAtMs: number | undefined, why: FailureReason): RunnerMove =>
  (state, { now, nowMs }) => {
    const { backoff, care } = state
    const before = readyAtMs !== undefined && nowMs - readyAtMs >= backoff.resetAfterMs ? 0 : state.failures
    const failures = why.retryable ? before + 1 : Math.max(2, before + 1)
    const delayMs = Math.max(restartBackoffMs(backoff, failures, why.retryable), why.retryAfterMs ?? 0)
    const retryAtMs = nowMs + delayMs
    return {
      state: {
        ...state,
        failures,
        retryAtMs,
        failure: { ...why, count: failures, retryAtMs, retryAt: new Date(now.getTime() + delayMs) },
        // Its build may be damaged in a way that only its content shows.
        care: failures === 1 && care === "quick" ? "whole" : care
      },
      effects: []
    }
  }

/** Writes to the instance's log why it failed, and when the next one starts. */
export const sayWhy =
  (key: EntryKey, { message, retryable }: FailureReason): RunnerMove =>
  (state, world) => {
    const seconds = Math.ceil((state.retryAtMs - world.nowMs) / 100) / 10
    const next = state.target === 0 || !retryable ? "" : `; retrying in ${seconds} s`
    return run({ type: "say", key, line: `${message.replace(/\.$/, "")}${next}` })(state, world)
  }
