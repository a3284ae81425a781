import type { Dashboard } from "./dashboards.ts"

/** Prometheus's own label for the pod that it scraped. */
const mine = '{namespace=~"$namespace"}'
/** The containers of a service's program, without Knative's sidecar and without sums over a pod. */
const program = '{namespace=~"$namespace",container!="",container!="queue-proxy",container!="POD"}'
/** Knative's autoscaler names the namespace itself. */
const scaled = '{k8s_namespace_name=~"$namespace"}'

export const tenantDashboard: Dashboard = {
  uid: "maxcloud-tenant",
  title: "max-cloud: tenant",
  description:
    "The services of one organization, from the metrics of Knative and the kubelet. Give an organization a data source that shows only its own namespaces.",
  variables: [
    {
      name: "namespace",
      label: "App and stage",
      query: 'label_values(kn_revision_pods_count{k8s_namespace_name=~".+"}, k8s_namespace_name)'
    }
  ],
  rows: [
    {
      title: "Requests",
      panels: [
        {
          title: "Requests",
          description: "A second, by status.",
          unit: "reqps",
          queries: {
            "{{http_response_status_code}}": `sum by (http_response_status_code) (rate(kn_serving_invocation_duration_seconds_count${mine}[$__rate_interval]))`
          }
        },
        {
          title: "Errors",
          description: "Share of responses with 5xx.",
          unit: "percentunit",
          queries: {
            "{{namespace}}": `sum by (namespace) (rate(kn_serving_invocation_duration_seconds_count{namespace=~"$namespace",http_response_status_code=~"5.."}[$__rate_interval])) / sum by (namespace) (rate(kn_serving_invocation_duration_seconds_count${mine}[$__rate_interval]))`
          }
        },
        {
          title: "Latency",
          description: "Half, and 95 of 100, take no longer.",
          unit: "s",
          queries: {
            "p50 {{namespace}}": `histogram_quantile(0.5, sum by (le, namespace) (rate(kn_serving_invocation_duration_seconds_bucket${mine}[$__rate_interval])))`,
            "p95 {{namespace}}": `histogram_quantile(0.95, sum by (le, namespace) (rate(kn_serving_invocation_duration_seconds_bucket${mine}[$__rate_interval])))`
          }
        }
      ]
    },
    {
      title: "Scale",
      panels: [
        {
          title: "Instances",
          description: "Running, and requested by the autoscaler.",
          unit: "short",
          queries: {
            "{{kn_service_name}}": `sum by (kn_service_name) (kn_revision_pods_count${scaled})`,
            "requested: {{kn_service_name}}": `sum by (kn_service_name) (kn_revision_pods_requested${scaled})`
          }
        },
        {
          title: "Concurrency",
          description: "Requests at once, averaged over the autoscaler's window.",
          unit: "short",
          queries: { "{{kn_service_name}}": `sum by (kn_service_name) (kn_revision_concurrency_stable${scaled})` }
        },
        {
          title: "Waiting in instances",
          description: "Requests over `maxConcurrency`.",
          unit: "short",
          queries: { "{{pod}}": `sum by (pod) (kn_serving_queue_depth${mine})` }
        }
      ]
    },
    {
      title: "Resources",
      panels: [
        {
          title: "Processor",
          description: "Cores in use, by pod.",
          unit: "short",
          queries: { "{{pod}}": `sum by (pod) (rate(container_cpu_usage_seconds_total${program}[$__rate_interval]))` }
        },
        {
          title: "Throttled",
          description: "Seconds a second that programs waited for their CPU limit.",
          unit: "s",
          queries: {
            "{{pod}}": `sum by (pod) (rate(container_cpu_cfs_throttled_seconds_total${program}[$__rate_interval]))`
          }
        },
        {
          title: "Memory",
          description: "In use, by pod.",
          unit: "bytes",
          queries: { "{{pod}}": `sum by (pod) (container_memory_working_set_bytes${program})` }
        },
        {
          title: "Network",
          description: "Received and sent, by namespace.",
          unit: "Bps",
          queries: {
            "received {{namespace}}": `sum by (namespace) (rate(container_network_receive_bytes_total${mine}[$__rate_interval]))`,
            "sent {{namespace}}": `sum by (namespace) (rate(container_network_transmit_bytes_total${mine}[$__rate_interval]))`
          }
        }
      ]
    }
  ]
}
