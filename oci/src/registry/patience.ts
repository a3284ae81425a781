import { Duration, Effect, Random } from "effect"
import type { OciError } from "../OciError.ts"

const firstPauseMs = 250
const longestPauseMs = 15_000
/** Failures without progress in between. Together with their pauses, about a minute and a half. */
const mostFailures = 10
/** Longer pauses that a registry asks for aren't waited for: the command says so instead. */
const longestRequestedMs = 300_000

export interface Patience {
  /** Waits before the next attempt. Fails if this one was the last, or if a retry can't help. */
  readonly afterFailure: (error: OciError) => Effect.Effect<void, OciError>
  readonly progressed: () => void
}

/** Backs off from a registry that fails, and gives up if nothing changes. */
export const makePatience = (onWait: (pauseMs: number) => void = () => undefined): Patience => {
  let failures = 0
  return {
    progressed: () => {
      failures = 0
    },
    afterFailure: (error) =>
      Effect.gen(function* () {
        failures++
        const requested = error.retryAfterMs ?? 0
        if (error.reason !== "away" || failures >= mostFailures || requested > longestRequestedMs) return yield* error
        const pause =
          Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (yield* Random.nextRange(0.75, 1.25))
        const waited = Math.max(requested, pause)
        onWait(waited)
        yield* Effect.sleep(Duration.millis(waited))
      })
  }
}

/** Repeats an idempotent request until it gets an answer. */
export const patiently = <A>(
  effect: Effect.Effect<A, OciError>,
  patience = makePatience()
): Effect.Effect<A, OciError> =>
  Effect.catchAll(effect, (error) => Effect.zipRight(patience.afterFailure(error), patiently(effect, patience)))
