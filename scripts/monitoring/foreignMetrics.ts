/**
 * Metrics of other programs in the dashboards, by where their names come from. Knative's are OpenTelemetry's names with the dots and units as its
 * exporter for Prometheus writes them; the source lines are from knative.dev/serving v0.48.2 (Knative 1.21).
 */
export const foreignMetrics: Readonly<Record<string, string>> = {
  // `kn.serving.invocation.duration`, unit s: pkg/queue/request_metric.go.
  kn_serving_invocation_duration_seconds: "Knative's queue-proxy",
  // `kn.serving.queue.depth`, unit {request}: pkg/queue/request_metric.go.
  kn_serving_queue_depth: "Knative's queue-proxy",
  // `kn.revision.pods.count`, unit {pod}: pkg/reconciler/autoscaling/kpa/metrics.go.
  kn_revision_pods_count: "Knative's autoscaler",
  // `kn.revision.pods.requested`, unit {pod}: pkg/reconciler/autoscaling/kpa/metrics.go.
  kn_revision_pods_requested: "Knative's autoscaler",
  // `kn.revision.concurrency.stable`, unit {concurrency}: pkg/autoscaler/scaling/metrics.go.
  kn_revision_concurrency_stable: "Knative's autoscaler",
  // From `/metrics/cadvisor` of a kubelet of Kubernetes 1.34.
  container_cpu_usage_seconds_total: "the kubelet",
  container_cpu_cfs_throttled_seconds_total: "the kubelet",
  container_memory_working_set_bytes: "the kubelet",
  container_network_receive_bytes_total: "the kubelet",
  container_network_transmit_bytes_total: "the kubelet",
  // Standard metrics of prom-client 15.
  process_resident_memory_bytes: "Node",
  process_cpu_seconds_total: "Node",
  nodejs_eventloop_lag_p99_seconds: "Node"
}
