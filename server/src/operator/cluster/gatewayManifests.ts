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

const podLabels = { "app.kubernetes.io/name": gatewayName, ...managedLabel }
const selector = { "app.kubernetes.io/name": gatewayName }
const named = { name: gatewayName, namespace: systemNamespace, labels: { ...managedLabel } }

/** A uid that the Pod Security level `restricted` accepts, and that isn't a user of the node. */
const user = 65_532

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
  securityContext: {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] }
  }
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
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: { labels: podLabels },
        spec: {
          serviceAccountName: gatewayName,
          enableServiceLinks: false,
          terminationGracePeriodSeconds: drainMillis / 1000 + 20,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: "kubernetes.io/hostname",
              whenUnsatisfiable: "ScheduleAnyway",
              labelSelector: { matchLabels: selector }
            }
          ],
          securityContext: {
            runAsNonRoot: true,
            runAsUser: user,
            runAsGroup: user,
            seccompProfile: { type: "RuntimeDefault" }
          },
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
  {
    apiVersion: "policy/v1",
    kind: "PodDisruptionBudget",
    metadata: named,
    spec: { minAvailable: 1, selector: { matchLabels: selector } }
  },
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
