import type { Manifest } from "@maxcloud/synth"
import { knativeNamespace, managedLabel } from "../../runtimes/kubeApi/systemNames.ts"

/** Names of the policies, used only by Knative's parts. */
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
 * The activator forwards a request to whatever service its Host names, of any organization and visibility, without a
 * check. So only Envoy, which has asked the authorizer, and Knative itself may reach it (the autoscaler probes it before
 * a service scales to zero). The autoscaler trusts every load report, so only the activator and its own replicas may
 * send one. Kubelets' probes pass every policy. Anybody but tenants may read metrics.
 */
export const knativePolicies: ReadonlyArray<Manifest> = [
  closed("activator", [envoy, knative]),
  closed("autoscaler", [knative])
]
