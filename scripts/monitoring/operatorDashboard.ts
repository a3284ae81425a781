import type { Dashboard } from "./dashboards.ts"

const rate = (metric: string, by: string, filter = "") => `sum by (${by}) (rate(${metric}${filter}[$__rate_interval]))`
const quantile = (q: number, histogram: string, by = "") =>
  `histogram_quantile(${q}, sum by (le${by === "" ? "" : `, ${by}`}) (rate(${histogram}_bucket[$__rate_interval])))`

export const operatorDashboard: Dashboard = {
  uid: "maxcloud-operator",
  title: "max-cloud: operator",
  description: "Servers, their work, the cluster and the gateway. It names no tenant.",
  variables: [],
  rows: [
    {
      title: "Is it well?",
      panels: [
        {
          title: "Readiness",
          description: "1: the check of /readyz passes on every server.",
          unit: "short",
          kind: "stat",
          queries: { "{{check}}": "min by (check) (maxcloud_ready)" }
        },
        {
          title: "Cluster reachable",
          description: "1: every server and gateway reaches the API server.",
          unit: "short",
          kind: "stat",
          queries: { reachable: "min(maxcloud_cluster_reachable)" }
        },
        {
          title: "Runtime class missing",
          description: "1: organizations' programs can't start, because the cluster has lost their runtime class.",
          unit: "short",
          kind: "stat",
          queries: { missing: "max(maxcloud_runtime_class_missing)" }
        },
        {
          title: "Versions",
          description: "Processes by version. Two during a rolling update.",
          unit: "short",
          kind: "stat",
          queries: { "{{version}}": "count by (version) (maxcloud_build_info)" }
        }
      ]
    },
    {
      title: "Deployments",
      panels: [
        {
          title: "Finished",
          description: "Deployments a second, by outcome.",
          unit: "short",
          queries: { "{{outcome}}": rate("maxcloud_deployments_finished_total", "outcome") }
        },
        {
          title: "By state",
          description: "Stored deployments.",
          unit: "short",
          queries: { "{{state}}": 'max by (state) (maxcloud_deployments{state=~"queued|running"})' }
        },
        {
          title: "New diagnoses",
          description: "In the last hour, by code.",
          unit: "short",
          queries: { "{{code}}": "topk(10, sum by (code) (increase(maxcloud_diagnoses_total[1h])))" }
        },
        {
          title: "Queue",
          description: "Stages that are queued or being reconciled.",
          unit: "short",
          queries: { depth: "max(maxcloud_work_queue_depth)" }
        },
        {
          title: "Oldest work",
          description: "How long the oldest due work has been waiting.",
          unit: "s",
          queries: { oldest: "max(maxcloud_work_queue_oldest_seconds)" }
        },
        {
          title: "Duration of a pass",
          description: "Half, and nine of ten, take no longer.",
          unit: "s",
          queries: {
            p50: quantile(0.5, "maxcloud_reconcile_duration_seconds"),
            p90: quantile(0.9, "maxcloud_reconcile_duration_seconds")
          }
        },
        {
          title: "Passes",
          description: "Passes a second, by result.",
          unit: "short",
          queries: { "{{result}}": rate("maxcloud_reconcile_total", "result") }
        },
        {
          title: "Drift",
          description: "Changes by others in the last hour, and those reverted.",
          unit: "short",
          queries: {
            "found: {{change}}": "sum by (change) (increase(maxcloud_drift_found_total[1h]))",
            healed: "sum(increase(maxcloud_drift_healed_total[1h]))"
          }
        },
        {
          title: "Rollout of settings",
          description: "Stages by whether the newest settings apply to them.",
          unit: "short",
          queries: { "{{state}}": "max by (state) (maxcloud_rollout_stages)" }
        }
      ]
    },
    {
      title: "Servers",
      panels: [
        {
          title: "API requests",
          description: "A second, by status.",
          unit: "reqps",
          queries: { "{{status}}": rate("maxcloud_http_requests_total", "status") }
        },
        {
          title: "API latency",
          description: "Until the head of the answer.",
          unit: "s",
          queries: {
            p50: quantile(0.5, "maxcloud_http_request_duration_seconds"),
            p95: quantile(0.95, "maxcloud_http_request_duration_seconds")
          }
        },
        {
          title: "Leases",
          description: "Held now, and lost in the last hour, by work.",
          unit: "short",
          queries: {
            "held: {{work}}": "sum by (work) (maxcloud_leases_held)",
            "lost: {{work}}": "sum by (work) (increase(maxcloud_leases_lost_total[1h]))"
          }
        },
        {
          title: "Background failures",
          description: "In the last hour, by task.",
          unit: "short",
          queries: { "{{task}}": "sum by (task) (increase(maxcloud_background_failures_total[1h])) > 0" }
        },
        {
          title: "Memory",
          description: "Resident, of servers and gateways.",
          unit: "bytes",
          queries: { "{{instance}}": "process_resident_memory_bytes and on (instance, job) maxcloud_build_info" }
        },
        {
          title: "Processor",
          description: "Cores, of servers and gateways.",
          unit: "short",
          queries: {
            "{{instance}}":
              "rate(process_cpu_seconds_total[$__rate_interval]) and on (instance, job) maxcloud_build_info"
          }
        },
        {
          title: "Event loop",
          description: "One in a hundred waits longer than this for its turn.",
          unit: "s",
          queries: { "{{instance}}": "nodejs_eventloop_lag_p99_seconds and on (instance, job) maxcloud_build_info" }
        },
        {
          title: "Backup",
          description: "Age of the newest automatic backup, and whether the last one failed.",
          unit: "s",
          queries: { age: "max(maxcloud_backup_age_seconds)", failing: "max(maxcloud_backup_failing)" }
        },
        {
          title: "Collected logs",
          description: "Age of the oldest line that isn't stored, and failed writes a second.",
          unit: "s",
          queries: {
            lag: "max(maxcloud_log_collector_lag_seconds)",
            failures: "sum(rate(maxcloud_log_write_failures_total[$__rate_interval]))"
          }
        }
      ]
    },
    {
      title: "Cluster",
      panels: [
        {
          title: "Watches",
          description: "Those that should be open, minus those that are.",
          unit: "short",
          queries: {
            "{{instance}} {{kind}}":
              "sum by (instance, kind) (maxcloud_watches) - sum by (instance, kind) (maxcloud_watches_open)"
          }
        },
        {
          title: "Silence",
          description: "Since the last list, event or bookmark.",
          unit: "s",
          queries: { "{{kind}}": "max by (kind) (maxcloud_watch_age_seconds)" }
        },
        {
          title: "Reconnects and lists",
          description: "In 15 minutes, by kind.",
          unit: "short",
          queries: {
            "reconnects: {{kind}}": "sum by (kind) (increase(maxcloud_watch_reconnects_total[15m]))",
            "lists: {{kind}}": "sum by (kind) (increase(maxcloud_watch_lists_total[15m]))"
          }
        },
        {
          title: "Credentials expire",
          description: "Empty if they renew themselves.",
          unit: "dateTimeFromNow",
          kind: "stat",
          queries: { "{{instance}}": "min by (instance) (maxcloud_cluster_credential_expiry_timestamp_seconds) * 1000" }
        }
      ]
    },
    {
      title: "Gateway",
      panels: [
        {
          title: "Decisions",
          description: "A second, by decision.",
          unit: "reqps",
          queries: { "{{decision}}": rate("maxcloud_gateway_decisions_total", "decision") }
        },
        {
          title: "Latency of decisions",
          description: "From Envoy's check to the decision.",
          unit: "s",
          queries: {
            p50: quantile(0.5, "maxcloud_gateway_decision_duration_seconds"),
            p99: quantile(0.99, "maxcloud_gateway_decision_duration_seconds")
          }
        },
        {
          title: "Waiting",
          description: "Requests that wait until the watches report their caller.",
          unit: "short",
          queries: { waiting: "sum(maxcloud_gateway_waiting)" }
        }
      ]
    },
    {
      title: "Local runtime",
      panels: [
        {
          title: "Services and instances",
          description: "On this machine.",
          unit: "short",
          queries: { services: "sum(maxcloud_services)", instances: "sum(maxcloud_instances)" }
        },
        {
          title: "Cold starts",
          description: "Mean duration.",
          unit: "s",
          queries: {
            mean: "sum(rate(maxcloud_cold_start_seconds_total[$__rate_interval])) / sum(rate(maxcloud_cold_starts_total[$__rate_interval]))"
          }
        },
        {
          title: "Requests to services",
          description: "A second by status class; held, active and retried ones.",
          unit: "reqps",
          queries: {
            "{{class}}": rate("maxcloud_proxy_responses_total", "class"),
            all: "sum(rate(maxcloud_proxy_requests_total[$__rate_interval]))",
            held: "sum(maxcloud_proxy_requests_held)",
            active: "sum(maxcloud_proxy_requests_active)",
            retries: "sum(rate(maxcloud_proxy_retries_total[$__rate_interval]))"
          }
        }
      ]
    }
  ]
}
