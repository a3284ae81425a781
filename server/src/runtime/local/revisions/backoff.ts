/** How failed starts are spaced: at once, then `baseMs` doubling to `maxMs` (Kubernetes' CrashLoopBackOff, but for the first). */
export interface BackoffConfig {
  /** @default 10_000 */
  readonly baseMs: number
  /** @default 300_000 */
  readonly maxMs: number
  /** An instance that was ready this long ends the row of failures. @default 10_000 */
  readonly resetAfterMs: number
}

export const defaultBackoff: BackoffConfig = { baseMs: 10_000, maxMs: 300_000, resetAfterMs: 10_000 }

/** Milliseconds to wait after the n-th failure in a row (n from 1). */
export const backoffMs = (config: BackoffConfig, failures: number): number =>
  failures <= 1 ? 0 : Math.min(config.maxMs, config.baseMs * 2 ** Math.min(failures - 2, 30))
