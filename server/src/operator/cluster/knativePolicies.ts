import type { Manifest } from "@maxcloud/synth"
import { knativeNamespace, managedLabel } from "../../runtimes/kubeApi/systemNames.ts"

/** Names of the policies, which are Knative's parts' alone. */
const nameFor = (part: string) => `maxcloud-${part}`

const inNamespace = (name: string) => ({ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } } })

const envoy = { ...inNamespace("kourier-system"), podSelector: { matchLabels: { app: "3scale-kourier-gateway" } } }
const knative = inNamespace(knativeNamespace)
/** Namespaces of organizations have this label, which the server puts on them and nobody takes off unnoticed. */
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
 * The activator hands a request to whatever service its Host names, of any organization and of any visibility, and asks nobody: so only
 * Envoy, whose authorizer was asked, and Knative itself may reach it (the autoscaler probes it before a service goes to zero). The
 * autoscaler believes what it is told of load: only the activator and its own replicas may tell it. Kubelets' probes pass every policy.
 * Metrics are for whoever is not a tenant.
 */
export const knativePolicies: ReadonlyArray<Manifest> = [
  closed("activator", [envoy, knative]),
  closed("autoscaler", [knative])
]
