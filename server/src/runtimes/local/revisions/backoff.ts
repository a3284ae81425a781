import { type Backoff, backoffMs } from "../../../base/node/backoff.ts"

/** The pauses between failures. The first restart follows soon, like Docker's. */
export interface BackoffConfig extends Backoff {
  /** An instance that was ready this long resets the count of failures. @default 10_000 */
  readonly resetAfterMs: number
}

export const defaultBackoff: BackoffConfig = { baseMs: 100, maxMs: 300_000, resetAfterMs: 10_000 }

/** Additional doublings for faults that need a change, such as a missing image: 12.8 s after the first failure. */
const hopelessDoublings = 6

/** Milliseconds to wait after the n-th failure in a row (n from 1). */
export const restartBackoffMs = (config: BackoffConfig, failures: number, retryable: boolean): number =>
  backoffMs(config, failures - 1 + (retryable ? 0 : hopelessDoublings))
