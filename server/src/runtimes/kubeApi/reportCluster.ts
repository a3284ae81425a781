import { Effect, Option } from "effect"
import { report } from "../../base/telemetry/processMetrics.ts"
import type { ClusterCredentials } from "./connect.ts"
import { credentialExpiry } from "./credentialExpiry.ts"
import type { KubeApi } from "./KubeApi.ts"
import { perKind, type WatchReports } from "./watchReports.ts"

/** Metrics of one connection to the cluster, until the scope closes. */
export const reportCluster = (
  reports: WatchReports,
  unreachable: KubeApi["Type"]["unreachable"],
  credentials: () => ClusterCredentials
) =>
  Effect.all(
    [
      report("maxcloud_cluster_reachable", () => [
        { labels: {}, value: Option.isNone(Effect.runSync(unreachable)) ? 1 : 0 }
      ]),
      report("maxcloud_cluster_credential_expiry_timestamp_seconds", () => {
        const value = credentialExpiry(credentials())
        return value === undefined ? [] : [{ labels: {}, value }]
      }),
      report("maxcloud_watches", () => perKind(reports.all(), () => 1)),
      report("maxcloud_watches_open", () => perKind(reports.all(), ({ listed, open }) => (listed && open ? 1 : 0))),
      report("maxcloud_watch_age_seconds", () => {
        const now = performance.now()
        return perKind(reports.all(), ({ heardMillis }) => (now - heardMillis) / 1000, Math.max)
      })
    ],
    { discard: true }
  )
