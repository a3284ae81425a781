/**
 * The authorizer's requirements for the cluster that it's installed on.
 * - Command: `maxcloud gateway`, any number of replicas, no state. Its port comes from `MAXCLOUD_GATEWAY_PORT` or
 * `--port`, the cluster from the pod's ServiceAccount or a kubeconfig.
 * - It listens on one port, by HTTP/2 without TLS, for Envoy's check (`envoy.service.auth.v3.Authorization/Check`) and
 * `grpc.health.v1.Health/Check`. It listens only once it has read the cluster, so a TCP or gRPC probe shows whether it's
 * ready.
 * - After SIGTERM it keeps answering for `drainMillis`, then closes its connections in order. Set
 * `terminationGracePeriodSeconds` above that.
 * - Its rights in the cluster are `gatewayRules`.
 * - In `config-kourier`: `gatewaySettings`. Kourier's controller makes Envoy's cluster for it only when it starts:
 * **restart it after `extauthz-host` is first set, and whenever that changes.** Until then Envoy has nobody to ask, and
 * refuses every request with 403 (`extauthz-failure-mode-allow: "false"`). So: start the authorizer, wait until it's
 * ready, set `gatewaySettings`, restart `deployment/net-kourier-controller`.
 */
export const drainMillis = 8_000

/**
 * Rules of its ClusterRole (RBAC, `PolicyRule`). It reads pods of all namespaces, to recognize callers that aren't a
 * tenant's.
 */
export const gatewayRules = [
  { apiGroups: [""], resources: ["pods", "namespaces"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["serving.knative.dev"], resources: ["services"], verbs: ["get", "list", "watch"] }
] as const

/** Keys of `config-kourier` (net-kourier, pkg/reconciler/ingress/config) for an authorizer at `host`, `<name>:<port>`. */
export const gatewaySettings = (host: string) =>
  ({
    "extauthz-host": host,
    // Over HTTP the caller's address would only be in headers, which a caller can forge.
    "extauthz-protocol": "grpc",
    "extauthz-failure-mode-allow": "false",
    // Longer than the authorizer may wait for the address of a new pod.
    "extauthz-timeout": "2000",
    // Bodies aren't checked, and each byte requested here delays the service until it arrives. Envoy requires at least
    // one.
    "extauthz-max-request-body-bytes": "1"
  }) as const
