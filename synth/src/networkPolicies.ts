import { externalsOf, linksOf, type ServiceSpec, type StageName } from "@maxcloud/config-schema"
import {
  IntOrString,
  type NetworkPolicyPeer,
  type NetworkPolicyPort,
  type NetworkPolicySpec
} from "cdk8s-plus-30/lib/imports/k8s.js"
import { label } from "./annotations.ts"
import { type EgressRules, ipBlocksOf } from "./egress.ts"

const podsIn = (namespace: string, labels: Readonly<Record<string, string>>): NetworkPolicyPeer => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  podSelector: { matchLabels: { ...labels } }
})

const tcp = (port: number): NetworkPolicyPort => ({ port: IntOrString.fromNumber(port), protocol: "TCP" })

const activator = podsIn("knative-serving", { app: "activator" })
const autoscaler = podsIn("knative-serving", { app: "autoscaler" })
const gateway = podsIn("kourier-system", { app: "3scale-kourier-gateway" })
const dns = podsIn("kube-system", { "k8s-app": "kube-dns" })

/** The ports of queue-proxy, in front of the program: HTTP/1.1, h2c and metrics (knative/serving, pkg/networking). */
const requests = [tcp(8012), tcp(8013)]
const metrics = [tcp(9090)]
/** The port where Kourier listens for cluster-local hosts. Policies apply after a Service's address is resolved to its pods. */
const gatewayInternal = [tcp(8081)]
const domain: Array<NetworkPolicyPort> = [{ port: IntOrString.fromNumber(53), protocol: "UDP" }, tcp(53)]

/**
 * The connections of a service's pods beyond the namespace's default deny. Pods get requests through Knative's gateway and activator, are scraped
 * for metrics, and connect to DNS, to the gateway for linked services, and to the targets that `egress` opens. No pod can reach another pod or the
 * activator directly. The gateway's authorizer, which knows the caller, decides about each host.
 */
export const policyOf = (service: ServiceSpec, stage: StageName, rules: EgressRules = {}): NetworkPolicySpec => {
  const links = [...linksOf(service), ...externalsOf(service, stage).filter((each) => each.isLink)]
  const blocks = ipBlocksOf(service.egress, rules)
  return {
    podSelector: { matchLabels: { [label.service]: service.name } },
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      { from: [activator, gateway], ports: requests },
      { from: [autoscaler], ports: metrics }
    ],
    egress: [
      { to: [dns], ports: domain },
      ...(links.length === 0 ? [] : [{ to: [gateway], ports: gatewayInternal }]),
      ...(blocks.length === 0 ? [] : [{ to: blocks.map((ipBlock) => ({ ipBlock })) }])
    ]
  }
}

export const denyAll: NetworkPolicySpec = { podSelector: {}, policyTypes: ["Ingress", "Egress"] }
