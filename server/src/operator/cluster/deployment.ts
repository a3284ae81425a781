/**
 * The authorizer's requirements for the cluster that it is installed on.
 *
 * - Command: `maxcloud gateway`, any number of replicas, no state. Its port from `MAXCLOUD_GATEWAY_PORT` or `--port`; the cluster from
 *   the pod's ServiceAccount, or from a kubeconfig.
 * - It listens on one port, by HTTP/2 without TLS: Envoy's question (`envoy.service.auth.v3.Authorization/Check`) and
 *   `grpc.health.v1.Health/Check`. It listens only when it has read the cluster, so that a TCP or a gRPC probe says whether it is ready.
 * - After SIGTERM it answers for `drainMillis` more, then closes its connections in order: `terminationGracePeriodSeconds` above that.
 * - In the cluster it may do what `gatewayRules` say.
 * - In `config-kourier`: `gatewaySettings`. Kourier's controller makes Envoy's cluster for it only when it starts: **it has to be
 *   started anew after the first time that `extauthz-host` is set, and whenever that changes.** Before that Envoy asks nobody, and
 *   refuses every request with 403 (`extauthz-failure-mode-allow: "false"`). So: start the authorizer, wait until it is ready, set
 *   `gatewaySettings`, restart `deployment/net-kourier-controller`.
 */
export const drainMillis = 8_000

/** Rules of its ClusterRole (RBAC, `PolicyRule`). Pods of all namespaces: a caller that is not a tenant's is to be known as such. */
export const gatewayRules = [
  { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["serving.knative.dev"], resources: ["services"], verbs: ["get", "list", "watch"] }
] as const

/** Keys of `config-kourier` (net-kourier, pkg/reconciler/ingress/config) for an authorizer at `host`, `<name>:<port>`. */
export const gatewaySettings = (host: string) =>
  ({
    "extauthz-host": host,
    // By HTTP the caller's address would only be in headers, which a caller may write itself.
    "extauthz-protocol": "grpc",
    "extauthz-failure-mode-allow": "false",
    // More than the authorizer may wait for the address of a new pod.
    "extauthz-timeout": "2000",
    // Bodies are not looked at: each byte asked for here is held back from the service until it is there. Envoy wants one at least.
    "extauthz-max-request-body-bytes": "1"
  }) as const
