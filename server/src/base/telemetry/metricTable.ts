/**
 * A metric of `/metrics`. Names follow Prometheus: base units, `_total` for counters. Labels have few values, and none names a tenant: a thousand
 * organizations mustn't make a thousand series.
 */
export interface MetricRow {
  readonly type: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly labels: ReadonlyArray<string>
  /** The processes that have it. */
  readonly of: ReadonlyArray<"server" | "gateway">
  /** The only runtime that has it. @default both */
  readonly runtime?: "local" | "kubernetes"
  /** If several parts of a process report a gauge: their sum, their highest or their lowest value. @default sum */
  readonly combine?: "sum" | "max" | "min"
  /** Values of its only label that a process reports from its start, as 0: a rate needs a value to begin with. */
  readonly known?: ReadonlyArray<string>
  /** Upper bounds of a histogram, in seconds. */
  readonly buckets?: ReadonlyArray<number>
}

const server = ["server"] as const
const gateway = ["gateway"] as const
const both = ["server", "gateway"] as const
const requestBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Every metric of max-cloud, and nothing else: `docs/reference/metrics.md`, the alerts and the dashboards are checked against these rows. */
export const metricTable = {
  maxcloud_build_info: {
    type: "gauge",
    help: "Always 1. `version` is the running version.",
    labels: ["version"],
    of: both,
    combine: "max"
  },
  maxcloud_ready: {
    type: "gauge",
    help: "1 if a check of `/readyz` passes, else 0.",
    labels: ["check"],
    of: server
  },
  maxcloud_http_requests_total: {
    type: "counter",
    help: "API requests answered, by route and status.",
    labels: ["method", "route", "status"],
    of: server
  },
  maxcloud_http_request_duration_seconds: {
    type: "histogram",
    help: "Time from an API request's arrival to the head of its answer.",
    labels: ["method", "route"],
    of: server,
    buckets: requestBuckets
  },
  maxcloud_deployments: { type: "gauge", help: "Deployments by state.", labels: ["state"], of: server },
  maxcloud_deployments_finished_total: {
    type: "counter",
    help: "Deployments that this server finished, by outcome.",
    labels: ["outcome"],
    known: ["succeeded", "failed", "cancelled", "superseded"],
    of: server
  },
  maxcloud_diagnoses_total: {
    type: "counter",
    help: "New diagnoses of services, by code. See the reference of diagnoses.",
    labels: ["code"],
    of: server
  },
  maxcloud_work_queue_depth: {
    type: "gauge",
    help: "Stages of apps that are queued or being reconciled.",
    labels: [],
    of: server
  },
  maxcloud_work_queue_oldest_seconds: {
    type: "gauge",
    help: "How long the oldest due work has been waiting for a server; 0 if none waits.",
    labels: [],
    of: server
  },
  maxcloud_reconcile_duration_seconds: {
    type: "histogram",
    help: "Duration of one pass over a stage of an app.",
    labels: [],
    of: server,
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
  },
  maxcloud_reconcile_total: {
    type: "counter",
    help: "Passes, by result: `done`, `waiting` (looks again later), `retry` (backs off), `lost` (another server took over), `failed` (the pass broke).",
    labels: ["result"],
    known: ["done", "waiting", "retry", "lost", "failed"],
    of: server
  },
  maxcloud_rollout_stages: {
    type: "gauge",
    help: "Stages of apps, by whether the platform's newest settings apply to them.",
    labels: ["state"],
    of: server
  },
  maxcloud_drift_found_total: {
    type: "counter",
    help: "Changes by others to objects of max-cloud, by kind of change: `edited` or `deleted`.",
    labels: ["change"],
    known: ["edited", "deleted"],
    of: server
  },
  maxcloud_drift_healed_total: {
    type: "counter",
    help: "Changes by others that this server reverted.",
    labels: [],
    of: server
  },
  maxcloud_leases_held: {
    type: "gauge",
    help: "Leases that this server works under now, by the kind of work.",
    labels: ["work"],
    of: server
  },
  maxcloud_leases_lost_total: {
    type: "counter",
    help: "Leases that this server lost while it worked, by the kind of work.",
    labels: ["work"],
    of: server
  },
  maxcloud_background_failures_total: {
    type: "counter",
    help: "Failures of background tasks, by task.",
    labels: ["task"],
    of: server
  },
  maxcloud_backup_age_seconds: {
    type: "gauge",
    help: "Age of the newest automatic backup. Only with the embedded database.",
    labels: [],
    of: server
  },
  maxcloud_backup_failing: {
    type: "gauge",
    help: "1 if the last automatic backup failed, else 0. Only with the embedded database.",
    labels: [],
    of: server
  },
  maxcloud_cluster_reachable: {
    type: "gauge",
    help: "1 if the cluster's API server answers, else 0.",
    labels: [],
    of: both,
    runtime: "kubernetes",
    combine: "min"
  },
  maxcloud_cluster_credential_expiry_timestamp_seconds: {
    type: "gauge",
    help: "When the client certificate or token for the cluster's API server expires. Missing if it doesn't say.",
    labels: [],
    of: both,
    runtime: "kubernetes",
    combine: "min"
  },
  maxcloud_runtime_class_missing: {
    type: "gauge",
    help: "1 if programs of organizations have run in a runtime class such as gVisor, and the cluster no longer has it, no longer takes it, or no longer lets the server look.",
    labels: [],
    of: server,
    runtime: "kubernetes",
    combine: "max"
  },
  maxcloud_watches: {
    type: "gauge",
    help: "Watches of the cluster, by kind of object, connected or not.",
    labels: ["kind"],
    of: both,
    runtime: "kubernetes"
  },
  maxcloud_watches_open: {
    type: "gauge",
    help: "Watches of the cluster that are listed and connected, by kind of object.",
    labels: ["kind"],
    of: both,
    runtime: "kubernetes"
  },
  maxcloud_watch_age_seconds: {
    type: "gauge",
    help: "Time since the most silent watch of this kind last got a list, an event or a bookmark. An idle watch gets a bookmark about once a minute.",
    labels: ["kind"],
    of: both,
    runtime: "kubernetes",
    combine: "max"
  },
  maxcloud_watch_reconnects_total: {
    type: "counter",
    help: "Watches that connected again, by kind of object. The API server ends each about every five minutes.",
    labels: ["kind"],
    of: both,
    runtime: "kubernetes"
  },
  maxcloud_watch_lists_total: {
    type: "counter",
    help: "Full lists at a watch's start or after it fell behind, by kind of object.",
    labels: ["kind"],
    of: both,
    runtime: "kubernetes"
  },
  maxcloud_log_collector_lag_seconds: {
    type: "gauge",
    help: "Age of the oldest collected log line that isn't stored yet; 0 if all are.",
    labels: [],
    of: server,
    runtime: "kubernetes",
    combine: "max"
  },
  maxcloud_log_write_failures_total: {
    type: "counter",
    help: "Failed writes of collected log lines. They're retried.",
    labels: [],
    of: server,
    runtime: "kubernetes"
  },
  maxcloud_gateway_decisions_total: {
    type: "counter",
    help: "Requests that the gateway's authorizer decided, by decision: `allow`, `paused`, `refuse`, `misnamed` (a link called by its bare name), or `malformed` for an unreadable check.",
    labels: ["decision"],
    known: ["allow", "paused", "refuse", "misnamed", "malformed"],
    of: gateway,
    runtime: "kubernetes"
  },
  maxcloud_gateway_decision_duration_seconds: {
    type: "histogram",
    help: "Time from the arrival of Envoy's check to the decision.",
    labels: [],
    of: gateway,
    runtime: "kubernetes",
    buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2]
  },
  maxcloud_gateway_waiting: {
    type: "gauge",
    help: "Requests that wait until the watches report their caller.",
    labels: [],
    of: gateway,
    runtime: "kubernetes"
  },
  maxcloud_services: { type: "gauge", help: "Services in the runtime.", labels: [], of: server, runtime: "local" },
  maxcloud_instances: { type: "gauge", help: "Running instances.", labels: [], of: server, runtime: "local" },
  maxcloud_cold_starts_total: { type: "counter", help: "Cold starts.", labels: [], of: server, runtime: "local" },
  maxcloud_cold_start_seconds_total: {
    type: "counter",
    help: "Total seconds of cold starts.",
    labels: [],
    of: server,
    runtime: "local"
  },
  maxcloud_proxy_requests_total: { type: "counter", help: "Requests to services.", labels: [], of: server },
  maxcloud_proxy_requests_active: {
    type: "gauge",
    help: "Requests to services in progress.",
    labels: [],
    of: server
  },
  maxcloud_proxy_requests_held: {
    type: "gauge",
    help: "Requests to services waiting for an instance.",
    labels: [],
    of: server
  },
  maxcloud_proxy_responses_total: {
    type: "counter",
    help: "Responses of services, by status class.",
    labels: ["class"],
    of: server
  },
  maxcloud_proxy_retries_total: {
    type: "counter",
    help: "Requests retried on another instance because the first was gone.",
    labels: [],
    of: server
  }
} as const satisfies Readonly<Record<string, MetricRow>>

type Table = typeof metricTable
export type MetricName = keyof Table
type NamesOf<T extends MetricRow["type"]> = { [N in MetricName]: Table[N]["type"] extends T ? N : never }[MetricName]
export type CounterName = NamesOf<"counter">
export type GaugeName = NamesOf<"gauge">
export type HistogramName = NamesOf<"histogram">

/** A value for each label of the metric. */
export type LabelsOf<N extends MetricName> = { readonly [L in Table[N]["labels"][number]]: string }

export const metricRow = (name: MetricName): MetricRow => metricTable[name]
export const metricNames: ReadonlyArray<MetricName> = Object.keys(metricTable).filter(
  (name): name is MetricName => name in metricTable
)
