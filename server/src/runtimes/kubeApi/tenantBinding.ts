import type { Manifest } from "@maxcloud/synth"
import { serverAccount, systemNamespace, tenantRoleName } from "./systemNames.ts"

const managed = { "app.kubernetes.io/managed-by": "maxcloud" } as const

/**
 * Grants the server its rights in a namespace: applied right after the namespace, before everything else in it. The API server's
 * authorizer learns of it a moment later through its watch, so the next request may still be answered 403.
 */
export const tenantBinding = (namespace: string, labels: Readonly<Record<string, string>> = managed): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: serverAccount, namespace, labels: { ...labels } },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: tenantRoleName },
  subjects: [{ kind: "ServiceAccount", name: serverAccount, namespace: systemNamespace }]
})
