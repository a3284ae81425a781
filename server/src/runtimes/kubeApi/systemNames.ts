/** Namespace of the platform's own parts. */
export const systemNamespace = "maxcloud-system"

/** Namespace for the dry runs of first deployments. It belongs to no organization. */
export const scratchNamespace = "maxcloud-scratch"

/** Namespace of Knative and its ConfigMaps. */
export const knativeNamespace = "knative-serving"

/** ClusterRole of the server in each namespace that it creates. */
export const tenantRoleName = "maxcloud-tenant"

/** ServiceAccount of the server, and name of its bindings. */
export const serverAccount = "maxcloud-server"

/** ServiceAccount, Deployment and Service of the gateway's authorizer. */
export const gatewayName = "maxcloud-gateway"

/** The port on which the gateway's authorizer listens for Envoy. */
export const gatewayPort = 9191

/** The port on which it answers Prometheus. */
export const gatewayMetricsPort = 9192

/** Pods in a namespace with this label set to `true` may read the gateway's metrics. */
export const metricsNamespaceLabel = "maxcloud.dev/metrics"

/** The server's user name in the API server (Kubernetes, "Service account tokens"). */
export const serverUser = `system:serviceaccount:${systemNamespace}:${serverAccount}`

/**
 * Label of the platform's own objects. It isn't `managed-by: maxcloud`, which marks objects of organizations: those are watched
 * and repaired.
 */
export const managedLabel = {
  "app.kubernetes.io/part-of": "maxcloud",
  "app.kubernetes.io/managed-by": "maxcloud-install"
} as const

/** The author of our events in the cluster. The watch of warnings leaves them out, because they say nothing new about a service. */
export const ownReporter = "maxcloud"
