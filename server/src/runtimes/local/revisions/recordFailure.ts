import { restartBackoffMs } from "./backoff.ts"
import type { FailureReason } from "./failures.ts"
import { type EntryKey, type RunnerMove, run } from "./runnerMachine.ts"

/** Counts one more failure in a row. The count starts again if the instance had been ready for long enough. */
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
        // Perhaps what it ran from has been damaged in a way that only its content shows.
        care: failures === 1 && care === "quick" ? "whole" : care
      },
      effects: []
    }
  }

/** Says in the instance's log why it failed, and when the next one is started. */
export const sayWhy =
  (key: EntryKey, { message, retryable }: FailureReason): RunnerMove =>
  (state, world) => {
    const seconds = Math.ceil((state.retryAtMs - world.nowMs) / 100) / 10
    const next = state.target === 0 || !retryable ? "" : `; next try in ${seconds} s`
    return run({ type: "say", key, line: `${message.replace(/\.$/, "")}${next}` })(state, world)
  }
