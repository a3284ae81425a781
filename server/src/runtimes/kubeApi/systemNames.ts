/** Namespace of the platform's own parts. */
export const systemNamespace = "maxcloud-system"

/** Namespace in which a first deployment is tried by dry runs. It belongs to no organization. */
export const scratchNamespace = "maxcloud-scratch"

/** Namespace of Knative and its ConfigMaps. */
export const knativeNamespace = "knative-serving"

/** ClusterRole of the server in each namespace that it makes. */
export const tenantRoleName = "maxcloud-tenant"

/** ServiceAccount of the server, and name of its bindings. */
export const serverAccount = "maxcloud-server"

/** ServiceAccount, Deployment and Service of the gateway's authorizer. */
export const gatewayName = "maxcloud-gateway"

/** The port on which the gateway's authorizer listens for Envoy. */
export const gatewayPort = 9191

/** The server's user name for the API server (Kubernetes, "Service account tokens"). */
export const serverUser = `system:serviceaccount:${systemNamespace}:${serverAccount}`

/**
 * On what belongs to the platform itself. Not `managed-by: maxcloud`: that is on what belongs to organizations, which the server watches
 * and puts right.
 */
export const managedLabel = {
  "app.kubernetes.io/part-of": "maxcloud",
  "app.kubernetes.io/managed-by": "maxcloud-install"
} as const
