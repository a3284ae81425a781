import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Runtime, Schema } from "effect"
import { leasesLost } from "../base/database/heldLease.ts"
import { asServer } from "../base/database/RowScope.ts"
import { backgroundFailures } from "../base/node/keepDoing.ts"
import type { ProxyCounters } from "../base/proxy/ProxyCounters.ts"
import { type GaugeReading, Metrics } from "../base/telemetry/Metrics.ts"
import { rolloutCounts } from "../control/deployments/rollout/rolloutStatus.ts"
import { AutomaticBackups, type BackupStatus } from "../operator/backup/AutomaticBackups.ts"
import { LocalRoutes } from "../runtimes/port/LocalRoutes.ts"

const decodeStates = Schema.decodeUnknown(Schema.Array(Schema.Struct({ state: Schema.String, count: Schema.Int })))
const decodeDepth = Schema.decodeUnknown(Schema.Array(Schema.Struct({ depth: Schema.Int })))

type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<A>

const now = (metrics: typeof Metrics.Service, name: string, help: string, read: () => number) =>
  metrics.gauge({ name, help, labelNames: [], read: () => Promise.resolve([{ labels: {}, value: read() }]) })

const registerDatabase = (metrics: typeof Metrics.Service, sql: SqlClient, run: Run): void => {
  metrics.gauge({
    name: "maxcloud_deployments",
    help: "Deployments by state.",
    labelNames: ["state"],
    read: () =>
      run(
        sql`select state, count(*)::int as count from deployments group by state`.pipe(
          asServer,
          Effect.flatMap(decodeStates),
          Effect.map((rows) => rows.map((row): GaugeReading => ({ labels: { state: row.state }, value: row.count })))
        )
      )
  })
  metrics.gauge({
    name: "maxcloud_work_queue_depth",
    help: "Deployments that are queued or running.",
    labelNames: [],
    read: () =>
      run(
        sql`select count(*)::int as depth from work_items`.pipe(
          asServer,
          Effect.flatMap(decodeDepth),
          Effect.map((rows) => rows.map((row): GaugeReading => ({ labels: {}, value: row.depth })))
        )
      )
  })
  metrics.gauge({
    name: "maxcloud_rollout_stages",
    help: "Stages of apps, by whether the platform's newest settings apply to them.",
    labelNames: ["state"],
    read: () =>
      run(
        rolloutCounts.pipe(
          asServer,
          Effect.provideService(SqlClient, sql),
          Effect.map((rows) => rows.map((row): GaugeReading => ({ labels: { state: row.state }, value: row.count })))
        )
      )
  })
}

const registerBackups = (metrics: typeof Metrics.Service, backups: typeof AutomaticBackups.Service, run: Run): void => {
  const ofBackups = (name: string, help: string, read: (status: BackupStatus) => number | undefined) =>
    metrics.gauge({
      name,
      help,
      labelNames: [],
      read: () =>
        run(
          Effect.map(backups.status, (status) => {
            const value = status && read(status)
            return value === undefined ? [] : [{ labels: {}, value }]
          })
        )
    })
  ofBackups("maxcloud_backup_age_seconds", "Age of the newest automatic backup.", ({ newest }) =>
    newest === undefined ? undefined : Math.max(0, (Date.now() - newest.createdAt.getTime()) / 1000)
  )
  ofBackups("maxcloud_backup_failing", "1 if the last automatic backup failed, else 0.", ({ failure }) =>
    failure === undefined ? 0 : 1
  )
}

const registerLocalRuntime = (metrics: typeof Metrics.Service, totals: typeof LocalRoutes.Service.totals): void => {
  now(metrics, "maxcloud_services", "Services in the runtime.", () => totals().services)
  now(metrics, "maxcloud_instances", "Running instances.", () => totals().instances)
  metrics.counter({
    name: "maxcloud_cold_starts_total",
    help: "Cold starts.",
    read: () => totals().coldStarts
  })
  metrics.counter({
    name: "maxcloud_cold_start_seconds_total",
    help: "Total seconds of cold starts.",
    read: () => totals().coldStartSeconds
  })
}

const registerBackground = (metrics: typeof Metrics.Service): void => {
  metrics.gauge({
    name: "maxcloud_background_failures",
    help: "Failures of background tasks since the process's start, by task.",
    labelNames: ["task"],
    read: () => Promise.resolve([...backgroundFailures()].map(([task, value]) => ({ labels: { task }, value })))
  })
  metrics.gauge({
    name: "maxcloud_leases_lost",
    help: "Leases that this server lost while it worked, since the process's start, by the kind of work.",
    labelNames: ["work"],
    read: () => Promise.resolve([...leasesLost()].map(([work, value]) => ({ labels: { work }, value })))
  })
}

const registerProxy = (metrics: typeof Metrics.Service, proxy: ProxyCounters): void => {
  now(metrics, "maxcloud_proxy_requests_active", "Requests to services in progress.", () => proxy.active)
  now(metrics, "maxcloud_proxy_requests_held", "Requests to services waiting for an instance.", () => proxy.held)
  metrics.gauge({
    name: "maxcloud_proxy_responses",
    help: "Responses of services since the server's start, by status class.",
    labelNames: ["class"],
    read: () =>
      Promise.resolve(
        proxy.byClass.flatMap((value, hundreds) =>
          hundreds === 0 ? [] : [{ labels: { class: `${hundreds}xx` }, value }]
        )
      )
  })
  metrics.counter({
    name: "maxcloud_proxy_requests_total",
    help: "Requests to services.",
    read: () => proxy.requests
  })
  metrics.counter({
    name: "maxcloud_proxy_retries_total",
    help: "Requests retried on another instance because the first was gone.",
    read: () => proxy.retries
  })
}

/**
 * Adds metrics of deployments, the work queue, instances and the proxy. They're sums over all organizations, with no
 * organization named.
 */
export const registerServerMetrics = (proxy: ProxyCounters) =>
  Effect.gen(function* () {
    const metrics = yield* Metrics
    const run = Runtime.runPromise(yield* Effect.runtime<never>())
    registerDatabase(metrics, yield* SqlClient, run)
    registerBackups(metrics, yield* AutomaticBackups, run)
    registerLocalRuntime(metrics, (yield* LocalRoutes).totals)
    registerProxy(metrics, proxy)
    registerBackground(metrics)
  })
