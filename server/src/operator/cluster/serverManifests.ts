import type { Manifest } from "@maxcloud/synth"
import { prefixText } from "../../base/words/namespacePrefix.ts"
import { managedLabel, serverAccount, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { containerSecurity, oneByOne, oneStays, podSecurity, spread, systemUser } from "./systemPods.ts"

/** Deployment, Service, PodDisruptionBudget, NetworkPolicy and ServiceMonitor of the server, and its Secret and ConfigMap. */
export const serverName = serverAccount

const serverReplicas = 2

export interface ServerOptions {
  readonly image: string
  readonly namespacePrefix: string
  /** Does the cluster know ServiceMonitors (Prometheus Operator)? */
  readonly hasServiceMonitors: boolean
}

const selector = { "app.kubernetes.io/name": serverName }
const named = { name: serverName, namespace: systemNamespace, labels: { ...managedLabel, ...selector } }

const port = 8080

const probe = (periodSeconds: number, failureThreshold: number) => ({
  httpGet: { path: "/healthz", port: "http" },
  periodSeconds,
  timeoutSeconds: 5,
  failureThreshold
})

const container = ({ hasServiceMonitors, image, namespacePrefix }: ServerOptions) => ({
  name: "server",
  image,
  args: ["server"],
  // The operator's own settings, by their names. An installation never writes them.
  envFrom: [{ configMapRef: { name: serverName, optional: true } }, { secretRef: { name: serverName } }],
  env: [
    { name: "MAXCLOUD_RUNTIME", value: "kubernetes" },
    { name: "MAXCLOUD_HOST", value: "0.0.0.0" },
    { name: "MAXCLOUD_PORT", value: String(port) },
    { name: "MAXCLOUD_DATA_DIR", value: "/data" },
    { name: "MAXCLOUD_LOG", value: "json" },
    { name: "MAXCLOUD_NAMESPACE_PREFIX", value: prefixText(namespacePrefix) },
    { name: "MAXCLOUD_SYSTEM_IMAGE", value: image },
    ...(hasServiceMonitors ? [{ name: "MAXCLOUD_OPEN_METRICS", value: "1" }] : [])
  ],
  ports: [{ name: "http", containerPort: port, protocol: "TCP" }],
  // None of them asks `/readyz`: it also fails for what no restart mends, such as a missing right or a long queue, and a server that is killed
  // or gets no requests couldn't say what is wrong.
  startupProbe: probe(2, 150),
  readinessProbe: probe(5, 2),
  livenessProbe: probe(10, 6),
  resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { memory: "1Gi" } },
  securityContext: containerSecurity,
  volumeMounts: [
    { name: "data", mountPath: "/data" },
    { name: "tmp", mountPath: "/tmp" }
  ]
})

const deployment = (options: ServerOptions): Manifest => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: named,
  spec: {
    replicas: serverReplicas,
    selector: { matchLabels: selector },
    strategy: oneByOne,
    template: {
      metadata: { labels: { ...managedLabel, ...selector } },
      spec: {
        serviceAccountName: serverAccount,
        enableServiceLinks: false,
        // MAXCLOUD_DRAIN_SECONDS, and time for the rest.
        terminationGracePeriodSeconds: 60,
        topologySpreadConstraints: spread(selector),
        securityContext: { ...podSecurity, fsGroup: systemUser },
        containers: [container(options)],
        // Only caches: what the servers share is in the database and in the store of logs.
        volumes: [
          { name: "data", emptyDir: { sizeLimit: "5Gi" } },
          { name: "tmp", emptyDir: { sizeLimit: "1Gi" } }
        ]
      }
    }
  }
})

/** Two servers that share a database, replaced one by one. */
export const serverManifests = (options: ServerOptions): ReadonlyArray<Manifest> => [
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: named,
    spec: { selector, ports: [{ name: "http", port: 80, targetPort: "http", protocol: "TCP" }] }
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
          // Ingress controllers and monitoring, wherever they are, but no pods of organizations.
          from: [
            {
              namespaceSelector: {
                matchExpressions: [{ key: "app.kubernetes.io/managed-by", operator: "NotIn", values: ["maxcloud"] }]
              }
            }
          ],
          ports: [{ port: "http", protocol: "TCP" }]
        }
      ]
    }
  },
  ...(options.hasServiceMonitors
    ? [
        {
          apiVersion: "monitoring.coreos.com/v1",
          kind: "ServiceMonitor",
          metadata: named,
          spec: {
            selector: { matchLabels: selector },
            endpoints: [{ port: "http", path: "/metrics", interval: "30s" }]
          }
        }
      ]
    : []),
  deployment(options)
]
