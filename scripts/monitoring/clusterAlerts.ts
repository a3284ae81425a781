import type { Alert } from "./Alert.ts"

/** Alerts that only an installation on Kubernetes can raise. */
export const clusterAlerts: ReadonlyArray<Alert> = [
  {
    name: "MaxcloudClusterUnreachable",
    severity: "critical",
    expr: "min(maxcloud_cluster_reachable) == 0",
    for: "2m",
    summary: "The cluster's API server doesn't answer.",
    means:
      "A server or a gateway can't reach the API server. Deployments wait, and their deadlines stand still. Services keep running; those at zero may not wake.",
    confirm: [
      "`maxcloud_cluster_reachable` by instance: only one is 0 → its network or its credentials. All → the API server.",
      "`kubectl get --raw /readyz` from that machine."
    ],
    fix: [
      "Restore the API server or the network to it. Everything continues by itself.",
      "If the log says that credentials are refused, create them again: `maxcloud cluster kubeconfig`."
    ],
    fires: { 'maxcloud_cluster_reachable{instance="a"}': "0x90", 'maxcloud_cluster_reachable{instance="b"}': "1x90" },
    quiet: { 'maxcloud_cluster_reachable{instance="a"}': "0 1x89" }
  },
  {
    name: "MaxcloudRuntimeClassMissing",
    severity: "critical",
    expr: "max(maxcloud_runtime_class_missing) == 1",
    for: "1m",
    summary: "Programs of organizations may not start: their sandbox is missing, or the server may not look for it.",
    means:
      "Organizations' programs have run in gVisor or another runtime class. Now the cluster lacks the class, Knative no longer takes it, or the server lacks the right to look, and then programs may start all the same. Nothing runs without the isolation: what runs keeps running, and new instances may be refused (`RuntimeClassMissing`).",
    confirm: [
      "The server's log names the reason: look for `may not start`.",
      "`kubectl get runtimeclass` and `maxcloud cluster check`."
    ],
    fix: [
      "Create the RuntimeClass again, with its handler on the nodes.",
      "A missing right or Knative feature: run `maxcloud cluster install`.",
      "To run programs without the isolation, set `MAXCLOUD_RUNTIME_CLASS=none` on the server and restart it. It rolls that out to all apps.",
      "The server notices a repair within a minute."
    ],
    fires: { 'maxcloud_runtime_class_missing{instance="a"}': "1x90" },
    quiet: { 'maxcloud_runtime_class_missing{instance="a"}': "0x90" }
  },
  {
    name: "MaxcloudWatchesDisconnected",
    severity: "critical",
    expr: "sum by (instance, kind) (maxcloud_watches) - sum by (instance, kind) (maxcloud_watches_open) > 0",
    for: "5m",
    summary: "A server or gateway doesn't see changes in the cluster.",
    means:
      "A watch of this kind has been disconnected for 5 minutes. Statuses, drift and logs are outdated. In the gateway, calls of new pods may be refused.",
    confirm: [
      "`/readyz` names the watch in the check `watches`.",
      "The log has `watch of KIND is unreachable`, with the API server's answer."
    ],
    fix: [
      "`forbidden`: the role is outdated. Run `maxcloud cluster install` with this version, then `maxcloud cluster check`.",
      "No connection: see MaxcloudClusterUnreachable.",
      "`the server could not find the requested resource`: Knative's kinds are gone. Install Knative again."
    ],
    fires: {
      'maxcloud_watches{kind="pods",instance="a"}': "1x90",
      'maxcloud_watches_open{kind="pods",instance="a"}': "1x30 0x60"
    },
    labels: { kind: "pods", instance: "a" },
    quiet: {
      'maxcloud_watches{kind="pods",instance="a"}': "1x90",
      'maxcloud_watches_open{kind="pods",instance="a"}': "1x57 0 1x32"
    }
  },
  {
    name: "MaxcloudWatchSilent",
    severity: "warning",
    expr: "max by (instance, kind) (maxcloud_watch_age_seconds) > 300",
    for: "5m",
    summary: "A watch of the cluster delivers nothing, not even bookmarks.",
    means: "The connection is open but silent, for example behind a proxy that buffers. Changes arrive late or never.",
    confirm: ["`maxcloud_watch_age_seconds` by kind. An idle watch gets a bookmark about once a minute."],
    fix: [
      "Check proxies and balancers between the server and the API server: they must pass on streams at once.",
      "Restart the server: it lists everything again."
    ],
    fires: { 'maxcloud_watch_age_seconds{kind="pods",instance="a"}': "0+60x90" },
    labels: { kind: "pods", instance: "a" },
    quiet: { 'maxcloud_watch_age_seconds{kind="pods",instance="a"}': "70x90" }
  },
  {
    name: "MaxcloudWatchesUnstable",
    severity: "warning",
    expr: "sum by (instance, kind) (increase(maxcloud_watch_reconnects_total[15m])) > 30 or sum by (instance, kind) (increase(maxcloud_watch_lists_total[15m])) > 10",
    for: "10m",
    summary: "Watches of the cluster break all the time.",
    means:
      "Normally each reconnects about every five minutes, and never lists again. Frequent lists load the API server, and say that the server falls behind.",
    confirm: [
      "`sum by (kind) (increase(maxcloud_watch_lists_total[15m]))` shows the kind.",
      "The API server's `apiserver_terminated_watchers_total` shows whether it ends them."
    ],
    fix: [
      "Check proxies with a short timeout in between.",
      "Give the server more processor time if `nodejs_eventloop_lag_p99_seconds` is over a second.",
      "Check the API server's watch cache and memory."
    ],
    fires: {
      'maxcloud_watch_reconnects_total{kind="pods",instance="a"}': "0+5x90",
      'maxcloud_watch_lists_total{kind="pods",instance="a"}': "1x90"
    },
    labels: { kind: "pods", instance: "a" },
    quiet: {
      'maxcloud_watch_reconnects_total{kind="pods",instance="a"}': "0 0 0 0 0 1x5 2x5 3x5 4x5 5x60",
      'maxcloud_watch_lists_total{kind="pods",instance="a"}': "1x90"
    }
  },
  {
    name: "MaxcloudCredentialExpires",
    severity: "warning",
    expr: "min by (instance) (maxcloud_cluster_credential_expiry_timestamp_seconds) - time() < 3 * 86400",
    for: "1h",
    summary: "The credentials for the cluster expire within three days.",
    means:
      "The client certificate or the token of the kubeconfig ends soon. Then the server can't reach the cluster. Credentials that renew themselves don't appear here.",
    confirm: ["`maxcloud_cluster_credential_expiry_timestamp_seconds - time()` says in how many seconds."],
    fix: [
      "Create a new kubeconfig: `maxcloud cluster kubeconfig --duration 720h`, and put it where `MAXCLOUD_KUBECONFIG` says. The server reads it at its next start.",
      "In a pod, leave `MAXCLOUD_KUBECONFIG` unset: Kubernetes then renews the token."
    ],
    fires: { 'maxcloud_cluster_credential_expiry_timestamp_seconds{instance="a"}': "90000x120" },
    labels: { instance: "a" },
    quiet: { 'maxcloud_cluster_credential_expiry_timestamp_seconds{instance="a"}': "900000x120" }
  },
  {
    name: "MaxcloudLogsLag",
    severity: "warning",
    expr: "max(maxcloud_log_collector_lag_seconds) > 300 or sum(increase(maxcloud_log_write_failures_total[15m])) > 10",
    for: "10m",
    summary: "Log lines of services aren't stored.",
    means:
      "Collected lines have been waiting for over 5 minutes. Nothing is lost while the pods exist, but a pod that goes takes its unread lines along.",
    confirm: [
      "The log of the server says why a write fails, once a minute.",
      "`maxcloud_log_write_failures_total` grows."
    ],
    fix: [
      "Check the store of `MAXCLOUD_LOGS`: the disk of the data folder, the bucket, or Loki.",
      "Loki refuses lines over its own limits: raise them, or lower the quota of log lines."
    ],
    fires: { 'maxcloud_log_collector_lag_seconds{instance="a"}': "0+60x90" },
    quiet: {
      'maxcloud_log_collector_lag_seconds{instance="a"}': "60x90",
      'maxcloud_log_write_failures_total{instance="a"}': "0x40 2x50"
    }
  },
  {
    name: "MaxcloudGatewayDown",
    severity: "critical",
    expr: "absent(maxcloud_gateway_waiting) and on() max(maxcloud_cluster_reachable) >= 0",
    for: "5m",
    summary: "No authorizer of the gateway reports metrics.",
    means: "If no authorizer runs, Envoy refuses every request to every service.",
    confirm: [
      "`maxcloud cluster check` sends a request through the gateway.",
      "`kubectl -n maxcloud-system get pods -l app.kubernetes.io/name=maxcloud-gateway` shows two ready pods: then only Prometheus can't reach them."
    ],
    fix: [
      "`kubectl -n maxcloud-system describe pods -l app.kubernetes.io/name=maxcloud-gateway` says why they don't run.",
      "If only the metrics are missing, label Prometheus's namespace: `kubectl label namespace monitoring maxcloud.dev/metrics=true`."
    ],
    fires: { 'maxcloud_cluster_reachable{instance="a"}': "1x90" },
    quiet: { 'maxcloud_cluster_reachable{instance="a"}': "1x90", 'maxcloud_gateway_waiting{instance="g"}': "0x90" }
  },
  {
    name: "MaxcloudGatewayRefuses",
    severity: "critical",
    expr: 'sum(rate(maxcloud_gateway_decisions_total{decision=~"refuse|malformed"}[5m])) > 1 and sum(rate(maxcloud_gateway_decisions_total{decision=~"refuse|malformed"}[5m])) / sum(rate(maxcloud_gateway_decisions_total[5m])) > 0.5',
    for: "10m",
    summary: "The gateway refuses most requests.",
    means:
      "Either a program calls hosts that aren't linked to it, or the authorizer doesn't know who calls. `malformed` means that Envoy speaks another version.",
    confirm: [
      "`sum by (decision) (rate(maxcloud_gateway_decisions_total[5m]))`",
      "`maxcloud net verify` compares what the network allows with the config.",
      "`maxcloud_watches_open` of the gateways: without the watch of pods, it refuses all calls between services."
    ],
    fix: [
      "If watches are down, see MaxcloudWatchesDisconnected.",
      "If pods' addresses are rewritten between them and the gateway, every link fails: see [the network](../network.md).",
      "If it's one program, its owner adds the link, or pauses the service."
    ],
    fires: {
      'maxcloud_gateway_decisions_total{decision="allow",instance="g"}': "0+60x90",
      'maxcloud_gateway_decisions_total{decision="refuse",instance="g"}': "0+120x90"
    },
    quiet: {
      'maxcloud_gateway_decisions_total{decision="allow",instance="g"}': "0+600x90",
      'maxcloud_gateway_decisions_total{decision="refuse",instance="g"}': "0+120x90"
    }
  },
  {
    name: "MaxcloudGatewaySlow",
    severity: "warning",
    expr: "histogram_quantile(0.99, sum by (le) (rate(maxcloud_gateway_decision_duration_seconds_bucket[5m]))) > 0.1 or sum(maxcloud_gateway_waiting) > 256",
    for: "10m",
    summary: "The gateway's decisions delay requests.",
    means:
      "Each request to a service waits for the authorizer. One in a hundred waits over 0.1 s, or many wait until the watches report their caller.",
    confirm: ["`maxcloud_gateway_waiting` and `process_cpu_seconds_total` of the gateways."],
    fix: [
      "Many waiting: the watch of pods lags. See MaxcloudWatchSilent.",
      "Busy: run more replicas (`kubectl -n maxcloud-system scale deployment maxcloud-gateway --replicas 4`)."
    ],
    fires: {
      'maxcloud_gateway_decision_duration_seconds_bucket{le="0.1"}': "0+90x90",
      'maxcloud_gateway_decision_duration_seconds_bucket{le="0.5"}': "0+100x90",
      'maxcloud_gateway_decision_duration_seconds_bucket{le="+Inf"}': "0+100x90"
    },
    quiet: {
      'maxcloud_gateway_decision_duration_seconds_bucket{le="0.1"}': "0+1000x90",
      'maxcloud_gateway_decision_duration_seconds_bucket{le="0.5"}': "0+1001x90",
      'maxcloud_gateway_decision_duration_seconds_bucket{le="+Inf"}': "0+1001x90"
    }
  }
]
