import { Chart } from "cdk8s"
import {
  KubeLimitRange,
  KubeNamespace,
  KubeNetworkPolicy,
  KubeResourceQuota,
  KubeSecret,
  Quantity
} from "cdk8s-plus-30/lib/imports/k8s.js"
import { namespaceLabels } from "./labels.ts"
import type { Manifest } from "./manifest.ts"
import { namespaceOf, pullSecretName } from "./names.ts"
import { denyAll } from "./networkPolicies.ts"
import { PlainApp } from "./PlainApp.ts"
import { pullSecretAnnotations, usesPullSecret } from "./secretParts.ts"
import { sorted } from "./sorted.ts"
import type { TenantContext } from "./tenant.ts"

const quantities = (written: Readonly<Record<string, string>>): Record<string, Quantity> =>
  Object.fromEntries(Object.entries(written).map(([resource, amount]) => [resource, Quantity.fromString(amount)]))

/**
 * The objects of an app and stage's namespace itself: the Namespace with its Pod Security levels, a NetworkPolicy that
 * denies everything both ways, a ResourceQuota, a LimitRange for containers without limits (Knative's queue-proxy), and the Secret of the
 * registries if the organization has credentials.
 */
export const synthNamespace = (tenant: TenantContext): ReadonlyArray<Manifest> => {
  const chart = new Chart(new PlainApp(), "namespace", { disableResourceNameHashes: true })
  const namespace = namespaceOf(tenant)
  const labels = namespaceLabels(tenant)
  // No service's policy has this name, since theirs start with the service's.
  const metadata = { name: "maxcloud--default", namespace, labels: { ...labels } }
  const objects = [
    new KubeNamespace(chart, "namespace", {
      metadata: {
        name: namespace,
        labels: {
          ...labels,
          "pod-security.kubernetes.io/enforce": tenant.podSecurity,
          "pod-security.kubernetes.io/warn": "restricted"
        }
      }
    }),
    new KubeNetworkPolicy(chart, "deny", { metadata, spec: denyAll }),
    // No Services that open the node or cost a load balancer, and no volumes: everything goes through the platform.
    new KubeResourceQuota(chart, "quota", {
      metadata,
      spec: {
        hard: quantities({
          pods: "2000",
          "requests.cpu": "200",
          "requests.memory": "800Gi",
          persistentvolumeclaims: "0",
          "services.loadbalancers": "0",
          "services.nodeports": "0"
        })
      }
    }),
    // The quota refuses containers without requests; gVisor limits a pod's memory only if each container has a limit.
    new KubeLimitRange(chart, "limits", {
      metadata,
      spec: {
        limits: [
          {
            type: "Container",
            default: quantities({ memory: "512Mi" }),
            defaultRequest: quantities({ cpu: "25m", memory: "64Mi" })
          }
        ]
      }
    }),
    ...(usesPullSecret(tenant)
      ? [
          new KubeSecret(chart, "registry", {
            metadata: { ...metadata, name: pullSecretName, annotations: pullSecretAnnotations(tenant) },
            type: "kubernetes.io/dockerconfigjson"
          })
        ]
      : [])
  ]
  return sorted(objects.map((object): Manifest => object.toJson()))
}
