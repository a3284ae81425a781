import type { Manifest } from "@maxcloud/synth"
import { knativeNamespace, managedLabel } from "../../runtimes/kubeApi/systemNames.ts"

/** Names of the policies, which are Knative's parts' alone. */
const nameFor = (part: string) => `maxcloud-${part}`

const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } })

const envoy = { ...inNamespace("kourier-system"), podSelector: { matchLabels: { app: "3scale-kourier-gateway" } } }
const knative = inNamespace(knativeNamespace)
/** Namespaces of organizations have this label. The server sets it, and nobody can remove it unnoticed. */
const notTenants = {
  namespaceSelector: {
    matchExpressions: [{ key: "app.kubernetes.io/managed-by", operator: "NotIn", values: ["maxcloud"] }]
  }
}

const tcp = (port: number) => ({ port, protocol: "TCP" })
const metricsPort = 9090

const closed = (part: string, from: ReadonlyArray<unknown>): Manifest => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: nameFor(part), namespace: knativeNamespace, labels: { ...managedLabel } },
  spec: {
    podSelector: { matchLabels: { app: part } },
    policyTypes: ["Ingress"],
    ingress: [{ from }, { from: [notTenants], ports: [tcp(metricsPort)] }]
  }
})

/**
 * The activator forwards a request to any service that its Host names, of any organization and visibility, without asking anybody. So only
 * Envoy, whose authorizer was asked, and Knative itself may reach it (the autoscaler probes it before a service scales to zero). The
 * autoscaler trusts every report of load, so only the activator and its own replicas may send one. Kubelets' probes pass every policy.
 * Anybody but tenants may read metrics.
 */
export const knativePolicies: ReadonlyArray<Manifest> = [
  closed("activator", [envoy, knative]),
  closed("autoscaler", [knative])
]
