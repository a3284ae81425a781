import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Runtime, Schema } from "effect"
import { asServer } from "../base/database/RowScope.ts"
import { backgroundFailures } from "../base/node/keepDoing.ts"
import type { ProxyCounters } from "../base/proxy/ProxyCounters.ts"
import { version } from "../base/settings/version.ts"
import { Metrics } from "../base/telemetry/Metrics.ts"
import { startAtZero } from "../base/telemetry/processMetrics.ts"
import { queueState } from "../control/deployments/queue/oldestWaiting.ts"
import { rolloutCounts } from "../control/deployments/rollout/rolloutStatus.ts"
import { AutomaticBackups, type BackupStatus } from "../operator/backup/AutomaticBackups.ts"
import { Readiness } from "../operator/readiness/Readiness.ts"
import { LocalRoutes } from "../runtimes/port/LocalRoutes.ts"

const decodeStates = Schema.decodeUnknown(Schema.Array(Schema.Struct({ state: Schema.String, count: Schema.Int })))

type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<A>

/** The one value of a metric without labels. */
const single = (value: number) => [{ labels: {}, value }] as const

const registerDatabase = (metrics: typeof Metrics.Service, sql: SqlClient, run: Run): void => {
  const read = <A, E>(effect: Effect.Effect<A, E, SqlClient>) =>
    run(effect.pipe(asServer, Effect.provideService(SqlClient, sql)))
  metrics.gauge("maxcloud_deployments", () =>
    read(
      Effect.flatMap(sql`select state, count(*)::int as count from deployments group by state`, decodeStates).pipe(
        Effect.map((rows) => rows.map(({ count, state }) => ({ labels: { state }, value: count })))
      )
    )
  )
  metrics.gauge("maxcloud_work_queue_depth", () => read(Effect.map(queueState, ({ depth }) => single(depth))))
  metrics.gauge("maxcloud_work_queue_oldest_seconds", () =>
    read(Effect.map(queueState, ({ oldestSeconds }) => single(oldestSeconds)))
  )
  metrics.gauge("maxcloud_rollout_stages", () =>
    read(Effect.map(rolloutCounts, (rows) => rows.map(({ count, state }) => ({ labels: { state }, value: count }))))
  )
}

const registerBackups = (metrics: typeof Metrics.Service, backups: typeof AutomaticBackups.Service, run: Run): void => {
  const read = (valueOf: (status: BackupStatus) => number | undefined) =>
    run(
      Effect.map(backups.status, (status) => {
        const value = status && valueOf(status)
        return value === undefined ? [] : single(value)
      })
    )
  metrics.gauge("maxcloud_backup_age_seconds", () =>
    read(({ newest }) =>
      newest === undefined ? undefined : Math.max(0, (Date.now() - newest.createdAt.getTime()) / 1000)
    )
  )
  metrics.gauge("maxcloud_backup_failing", () => read(({ failure }) => (failure === undefined ? 0 : 1)))
}

const registerReadiness = (metrics: typeof Metrics.Service, readiness: typeof Readiness.Service, run: Run): void => {
  metrics.gauge("maxcloud_build_info", () => Promise.resolve([{ labels: { version }, value: 1 }]))
  metrics.gauge("maxcloud_ready", () =>
    run(
      Effect.map(readiness.checks, (checks) =>
        checks.map(({ name, ok }) => ({ labels: { check: name }, value: ok ? 1 : 0 }))
      )
    )
  )
}

const registerLocalRuntime = (metrics: typeof Metrics.Service, { totals }: typeof LocalRoutes.Service): void => {
  if (totals === undefined) return
  metrics.gauge("maxcloud_services", () => Promise.resolve(single(totals().services)))
  metrics.gauge("maxcloud_instances", () => Promise.resolve(single(totals().instances)))
  metrics.counter("maxcloud_cold_starts_total", () => single(totals().coldStarts))
  metrics.counter("maxcloud_cold_start_seconds_total", () => single(totals().coldStartSeconds))
}

const registerProxy = (metrics: typeof Metrics.Service, proxy: ProxyCounters): void => {
  metrics.gauge("maxcloud_proxy_requests_active", () => Promise.resolve(single(proxy.active)))
  metrics.gauge("maxcloud_proxy_requests_held", () => Promise.resolve(single(proxy.held)))
  metrics.counter("maxcloud_proxy_responses_total", () =>
    proxy.byClass.flatMap((value, hundreds) => (hundreds === 0 ? [] : [{ labels: { class: `${hundreds}xx` }, value }]))
  )
  metrics.counter("maxcloud_proxy_requests_total", () => single(proxy.requests))
  metrics.counter("maxcloud_proxy_retries_total", () => single(proxy.retries))
}

/**
 * Adds the metrics that are read at each scrape. What happens inside of other parts is counted there (`processMetrics.ts`). They're sums over all
 * organizations, with no organization named.
 */
export const registerServerMetrics = (proxy: ProxyCounters) =>
  Effect.gen(function* () {
    const metrics = yield* Metrics
    const run = Runtime.runPromise(yield* Effect.runtime<never>())
    registerDatabase(metrics, yield* SqlClient, run)
    registerBackups(metrics, yield* AutomaticBackups, run)
    registerReadiness(metrics, yield* Readiness, run)
    registerLocalRuntime(metrics, yield* LocalRoutes)
    registerProxy(metrics, proxy)
    startAtZero(
      "maxcloud_deployments_finished_total",
      "maxcloud_reconcile_total",
      "maxcloud_drift_found_total",
      "maxcloud_drift_healed_total"
    )
    metrics.counter("maxcloud_background_failures_total", () =>
      [...backgroundFailures()].map(([task, value]) => ({ labels: { task }, value }))
    )
  })
