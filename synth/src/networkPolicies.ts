import { linksOf, type ServiceName, type ServiceSpec } from "@maxcloud/config-schema"
import {
  IntOrString,
  type NetworkPolicyPeer,
  type NetworkPolicyPort,
  type NetworkPolicySpec
} from "cdk8s-plus-30/lib/imports/k8s.js"
import { label } from "./annotations.ts"
import { ipBlocksOf } from "./egress.ts"

const podsOf = (service: ServiceName) => ({ matchLabels: { [label.service]: service } })

const podsIn = (namespace: string, labels: Readonly<Record<string, string>>): NetworkPolicyPeer => ({
  namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
  podSelector: { matchLabels: { ...labels } }
})

const tcp = (port: number): NetworkPolicyPort => ({ port: IntOrString.fromNumber(port), protocol: "TCP" })

const activator = podsIn("knative-serving", { app: "activator" })
const autoscaler = podsIn("knative-serving", { app: "autoscaler" })
const gateway = podsIn("kourier-system", { app: "3scale-kourier-gateway" })
const dns = podsIn("kube-system", { "k8s-app": "kube-dns" })

/** Of queue-proxy, which stands before the program: HTTP/1.1 and h2c; its metrics. (knative/serving, pkg/networking.) */
const requests = [tcp(8012), tcp(8013)]
const metrics = [tcp(9090)]
/** Where Kourier listens for cluster-local hosts; policies are judged after a Service's address is resolved to its pods. */
const gatewayInternal = [tcp(8081)]
const domain: Array<NetworkPolicyPort> = [{ port: IntOrString.fromNumber(53), protocol: "UDP" }, tcp(53)]

/**
 * What a service's pods may do beyond the namespace's default deny: get requests through Knative's gateway and activator, be
 * measured, ask DNS, call what they link to (by the gateway, or straight) and what `egress` opens.
 */
export const policyOf = (service: ServiceSpec): NetworkPolicySpec => {
  const links = linksOf(service)
  const blocks = ipBlocksOf(service.egress)
  return {
    podSelector: podsOf(service.name),
    policyTypes: ["Ingress", "Egress"],
    ingress: [
      { from: [activator, gateway], ports: requests },
      { from: [autoscaler], ports: metrics }
    ],
    egress: [
      { to: [dns], ports: domain },
      ...(links.length === 0
        ? []
        : [
            { to: [gateway], ports: gatewayInternal },
            { to: links.map((_) => ({ podSelector: podsOf(_) })), ports: requests }
          ]),
      ...(blocks.length === 0 ? [] : [{ to: blocks.map((ipBlock) => ({ ipBlock })) }])
    ]
  }
}

/** The other end of a service's links: lets its pods into those that it calls. The caller's, so that no link changes an object of the called. */
export const linkPolicyOf = (service: ServiceSpec): NetworkPolicySpec | undefined => {
  const links = linksOf(service)
  if (links.length === 0) return undefined
  return {
    podSelector: { matchExpressions: [{ key: label.service, operator: "In", values: [...links] }] },
    policyTypes: ["Ingress"],
    ingress: [{ from: [{ podSelector: podsOf(service.name) }], ports: requests }]
  }
}

export const denyAll: NetworkPolicySpec = { podSelector: {}, policyTypes: ["Ingress", "Egress"] }
