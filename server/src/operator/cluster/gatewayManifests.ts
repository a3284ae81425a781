import type { Manifest } from "@maxcloud/synth"
import {
  gatewayMetricsPort,
  gatewayName,
  gatewayPort,
  managedLabel,
  metricsNamespaceLabel,
  systemNamespace
} from "../../runtimes/kubeApi/systemNames.ts"
import { drainMillis } from "./deployment.ts"
import { containerSecurity, oneByOne, oneStays, podSecurity, spread } from "./systemPods.ts"

const podLabels = { "app.kubernetes.io/name": gatewayName, ...managedLabel }
const selector = { "app.kubernetes.io/name": gatewayName }
const named = { name: gatewayName, namespace: systemNamespace, labels: { ...managedLabel } }

const container = (image: string) => ({
  name: "gateway",
  image,
  args: ["gateway"],
  env: [
    { name: "MAXCLOUD_GATEWAY_PORT", value: String(gatewayPort) },
    { name: "MAXCLOUD_GATEWAY_METRICS_PORT", value: String(gatewayMetricsPort) }
  ],
  ports: [
    { name: "authz", containerPort: gatewayPort, protocol: "TCP" },
    { name: "metrics", containerPort: gatewayMetricsPort, protocol: "TCP" }
  ],
  // It listens once it has read the cluster.
  readinessProbe: { tcpSocket: { port: gatewayPort }, periodSeconds: 2, failureThreshold: 2 },
  livenessProbe: { tcpSocket: { port: gatewayPort }, periodSeconds: 10, failureThreshold: 3 },
  resources: { requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "512Mi" } },
  securityContext: containerSecurity
})

/**
 * The gateway's authorizer: Envoy asks it about every request. So there are always two, on different nodes if there are
 * several, and replaced one by one. Only Envoy can reach it, and a Prometheus in a namespace with a label its metrics.
 */
export const gatewayManifests = (image: string): ReadonlyArray<Manifest> => [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: named },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: named,
    spec: {
      replicas: 2,
      selector: { matchLabels: selector },
      strategy: oneByOne,
      template: {
        metadata: { labels: podLabels },
        spec: {
          serviceAccountName: gatewayName,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: drainMillis / 1000 + 20,
          topologySpreadConstraints: spread(selector),
          securityContext: podSecurity,
          containers: [container(image)]
        }
      }
    }
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: named,
    spec: { selector, ports: [{ name: "authz", port: gatewayPort, targetPort: gatewayPort, protocol: "TCP" }] }
  },
  oneStays(named, selector),
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: named,
    spec: {
      podSelector: { matchLabels: selector },
      policyTypes: ["Ingress"],
      ingress: [
        {
          from: [
            {
              namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kourier-system" } },
              podSelector: { matchLabels: { app: "3scale-kourier-gateway" } }
            }
          ],
          ports: [{ port: gatewayPort, protocol: "TCP" }]
        },
        {
          from: [{ namespaceSelector: { matchLabels: { [metricsNamespaceLabel]: "true" } } }],
          ports: [{ port: gatewayMetricsPort, protocol: "TCP" }]
        }
      ]
    }
  }
]
