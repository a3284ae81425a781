import { Effect, Ref } from "effect"
import { endWithin } from "../../../base/node/endWithin.ts"
import { count, report, startAtZero } from "../../../base/telemetry/processMetrics.ts"
import type { HistoryKey, LogHistory } from "../../../stores/logs/LogHistory.ts"
import { type BufferLimits, ServiceBuffer } from "./ServiceBuffer.ts"

/** How often to log that lines can't be written. */
const warnEveryMillis = 60_000

/**
 * The buffers of all services. Their lines are written when the scope closes. `isPresent`: does the instance with this uid still
 * exist?
 */
export const makeServiceBuffers = (
  history: LogHistory["Type"],
  limits: BufferLimits,
  isPresent: (key: HistoryKey) => (uid: string) => boolean
) =>
  Effect.gen(function* () {
    const held = { bytes: 0 }
    const buffers = new Map<string, ServiceBuffer>()
    const oneOpener = yield* Effect.makeSemaphore(1)
    startAtZero("maxcloud_log_write_failures_total")
    yield* report("maxcloud_log_collector_lag_seconds", () => {
      const now = performance.now()
      const lags = [...buffers.values()].map((buffer) => buffer.lagMillis(now))
      return [{ labels: {}, value: lags.reduce((a, b) => Math.max(a, b), 0) / 1000 }]
    })
    const warnedAt = yield* Ref.make(Number.NEGATIVE_INFINITY)

    const mayWarn = Ref.modify(warnedAt, (at) => {
      const now = performance.now()
      return now - at < warnEveryMillis ? [false, at] : [true, now]
    })
    const flush = (buffer: ServiceBuffer) =>
      Effect.catchAll(buffer.flush(isPresent(buffer.key)), ({ message }) =>
        Effect.zipRight(
          Effect.sync(() => count("maxcloud_log_write_failures_total", {})),
          Effect.asVoid(Effect.whenEffect(Effect.logWarning(message), mayWarn))
        )
      )
    const flushAll = (some: ReadonlyArray<ServiceBuffer>) =>
      Effect.forEach(some, flush, { concurrency: 8, discard: true })
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => flushAll([...buffers.values()])).pipe(endWithin("10 seconds"))
    )

    return {
      open: (key: HistoryKey) =>
        oneOpener.withPermits(1)(
          Effect.suspend(() => {
            const name = `${key.namespace}/${key.service}`
            const known = buffers.get(name)
            if (known !== undefined) return Effect.succeed(known)
            return Effect.map(history.positions(key), (written) => {
              const buffer = new ServiceBuffer(key, history, written, limits, held)
              buffers.set(name, buffer)
              return buffer
            })
          })
        ),

      flushDue: Effect.suspend(() => {
        const now = performance.now()
        return flushAll([...buffers.values()].filter((buffer) => buffer.isDue(now)))
      }),

      /** Writes and drops the buffers of organizations that are no longer ours. */
      leave: (owns: (organizationId: string) => boolean) =>
        Effect.gen(function* () {
          for (const [name, buffer] of buffers) {
            if (owns(buffer.key.organizationId)) continue
            yield* flush(buffer)
            // The replica that collects from now on keeps the positions.
            buffers.delete(name)
          }
        })
    }
  })
